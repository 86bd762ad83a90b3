using Cfr.Pipeline.Metrics;

namespace Cfr.Pipeline.Report;

/// <summary>
/// Table of methods by Dice, Jaccard, ASD and 95HD, mean and deviation, with the paper's row below ours where it has one;
/// a second one by class where there is more than one.
/// </summary>
static class ScoreTable
{
    static readonly Metric[] Shown = [.. Metric.All.Take(4)];

    public static void Write(Html html, RunResults run)
    {
        MethodResults[] scored = [.. run.Methods.Where(method => method.Summary is not null)];
        if (scored.Length == 0) return;
        Section.Write(html, "scores", "Scores", () =>
        {
            WriteMethods(html, run, scored);
            CaseDots.Write(
                html, [.. scored.Select(method => (method.Name.Title, method.DiceByCase))],
                "Dice of every test case (a dot each) and its mean (the line).");
            if (scored.Any(method => method.Summary!.Classes.Count > 1)) WriteClasses(html, scored);
        });
    }

    static void WriteMethods(Html html, RunResults run, MethodResults[] scored)
    {
        string unit = scored[0].Scores!.DistanceUnit;
        bool hasPaper = false;
        double? best = scored.Where(method => method.Name.Role != MethodRole.UpperBound).Max(method => method.Dice);
        Scrolling(html, "Scores of all methods", () =>
        {
            html.Tag("thead", () => html.Tag("tr", () =>
            {
                html.Tag("th", "method", ("scope", "col"));
                foreach (Metric metric in Shown)
                    html.Tag("th", $"{metric.Title}, {(metric.IsDistance ? $"{unit} ↓" : "% ↑")}", ("scope", "col"), Right);
                html.Tag("th", "empty", ("scope", "col"), Right, ("title", "predictions without any voxel of a class"));
            }));
            html.Tag("tbody", () =>
            {
                foreach (MethodResults method in scored)
                {
                    html.Tag("tr", () =>
                    {
                        html.Tag("th", () =>
                        {
                            html.Text(method.Name.Title);
                            html.Tag("small", method.Name.Meaning);
                        }, ("scope", "row"));
                        foreach (Metric metric in Shown) Cell(html, metric, method.Summary!.Average.Metrics[metric.Name]);
                        html.Tag("td", $"{method.Summary!.Average.EmptyPredictions}", Right);
                    }, ("class", method.Dice == best ? "best" : ""));
                    hasPaper |= WritePaper(html, run, method);
                    html.Line();
                }
            });
        });
        html.Tag("p", $"Mean and sample standard deviation over {Number.Count(scored[0].Summary!.Cases, "test case")}"
            + (scored[0].Summary!.Classes.Count > 1 ? ", averaged over classes" : "")
            + $". Distances are in {(unit == "voxel" ? "voxels" : unit)}; ASD runs from the prediction to the truth. An empty "
            + "prediction scores 0 in all columns and counts."
            + (hasPaper ? " In italics: what the paper reports (Concatenate, Fine-tuning, Re-training; its table in brackets)." : ""),
            ("class", "note"));
    }

    static bool WritePaper(Html html, RunResults run, MethodResults method)
    {
        RunDataset data = run.Manifest.Dataset;
        if (PaperTable.Find(data.Name, data.Labelled, method.Name) is not { } paper) return false;
        html.Tag("tr", () =>
        {
            html.Tag("th", $"paper ({paper.Table})", ("scope", "row"));
            foreach (Metric metric in Shown)
                html.Tag("td", paper.Values.TryGetValue(metric.Title, out double value) ? Number.Fixed(value, 2) : "", Right);
            html.Tag("td", "");
        }, ("class", "paper"));
        return true;
    }

    static void WriteClasses(Html html, MethodResults[] scored)
    {
        html.Tag("h3", "Dice by class");
        int[] classes = [.. scored.SelectMany(method => method.Summary!.Classes).Select(row => row.Class).Distinct().Order()];
        Scrolling(html, "Dice by class", () =>
        {
            html.Tag("thead", () => html.Tag("tr", () =>
            {
                html.Tag("th", "class", ("scope", "col"));
                foreach (MethodResults method in scored) html.Tag("th", $"{method.Name.Title}, %", ("scope", "col"), Right);
            }));
            html.Tag("tbody", () =>
            {
                foreach (int number in classes)
                    html.Tag("tr", () =>
                    {
                        string? name = scored.Select(method => method.Scores!.Names.GetValueOrDefault(number)).FirstOrDefault(found => found is not null);
                        html.Tag("th", name ?? $"class {number}", ("scope", "row"));
                        foreach (MethodResults method in scored)
                        {
                            if (method.Summary!.Classes.FirstOrDefault(row => row.Class == number) is { } found)
                                Cell(html, Shown[0], found.Metrics[Shown[0].Name], found.EmptyPredictions);
                            else html.Tag("td", "");
                        }
                    });
            });
        });
        html.Tag("p", "In brackets: test cases in which nothing of the class was predicted.", ("class", "note"));
    }

    static void Cell(Html html, Metric metric, Spread spread, int empty = 0)
    {
        double scale = metric.IsDistance ? 1 : 100;
        html.Tag("td", () =>
        {
            html.Text(Number.Fixed(scale * spread.Mean, 2));
            if (spread.Deviation is { } deviation)
                html.Tag("span", $" ± {Number.Fixed(scale * deviation, 2)}", ("class", "deviation"));
            if (empty > 0) html.Text($" ({empty})");
        }, Right);
    }

    static (string, string) Right => ("class", "number");

    static void Scrolling(Html html, string label, Action inner) => html.Tag(
        "div", () => html.Tag("table", inner, ("aria-label", label)),
        ("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label));
}
