using System.Globalization;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Report;

/// <summary>
/// Figure: the worst, the median and the best test case of the best method in three planes, outlines of the truth and of
/// the prediction over the scan; beside it the same planes with what the baseline predicted.
/// </summary>
static class SlicePanels
{
    public static void Write(Html html, RunResults run)
    {
        if (Chosen(run) is not { } best || best.DiceByCase.Count == 0) return;
        MethodResults[] shown =
        [
            best, .. run.Methods.Where(method => method.Name.Role == MethodRole.Baseline && method != best).Take(1),
        ];
        Section.Write(html, "cases", "Test cases", () =>
        {
            if (run.Data is null)
            {
                html.Tag(
                    "p", $"The scans cannot be shown, as the data set is not there any more: {run.DataProblem}.", ("class", "note"));
                return;
            }
            html.Tag("p", $"{best.Name.Title} on single test cases, from its worst to its best: the axial, the coronal and the "
                + "sagittal plane in which the truth is largest.");
            html.Tag("p", () =>
            {
                Key(html, "truth", "truth");
                Key(html, "guess", "prediction");
            }, ("class", "legend"));
            foreach (var (rank, name, _) in Ranks(best)) WriteCase(html, run, shown, rank, name);
        });
    }

    /// <summary>The best method of CFR; without one, the best that has predictions.</summary>
    static MethodResults? Chosen(RunResults run) =>
        run.Methods.Where(method => method is { Dice: not null, Predictions: not null })
            .OrderByDescending(method => method.Name.Role == MethodRole.Retrained).ThenByDescending(method => method.Dice)
            .FirstOrDefault();

    static IEnumerable<(string Rank, string Case, double Dice)> Ranks(MethodResults method)
    {
        (string Case, double Dice)[] sorted =
            [.. method.DiceByCase.OrderBy(each => each.Dice).ThenBy(each => each.Case, StringComparer.Ordinal)];
        (string, int)[] ranks = sorted.Length switch
        {
            1 => [("The only case", 0)],
            2 => [("Worse", 0), ("Better", 1)],
            var count => [("Worst", 0), ("Median", (count - 1) / 2), ("Best", count - 1)],
        };
        return ranks.Select(rank => (rank.Item1, sorted[rank.Item2].Case, sorted[rank.Item2].Dice));
    }

    static void WriteCase(Html html, RunResults run, MethodResults[] shown, string rank, string name)
    {
        var (picture, problem) = CasePicture.Read(run.Data!, name);
        html.Tag("figure", () =>
        {
            html.Tag("figcaption", () =>
            {
                html.Tag("strong", $"{rank}: ");
                html.Text(name);
            });
            if (picture is null) html.Tag("p", $"It cannot be shown: {problem}.", ("class", "note"));
            else
                html.Tag("div", () =>
                {
                    foreach (MethodResults method in shown) WriteMethod(html, picture, method, name);
                }, ("class", "pair"));
        }, ("class", "wide"));
        html.Line();
    }

    static void WriteMethod(Html html, CasePicture picture, MethodResults method, string name)
    {
        LabelMap? guess = null;
        string? problem = method.Predictions is null ? "there are no predictions" : null;
        if (method.Predictions is { } folder) (guess, problem) = picture.Prediction(Path.Combine(folder, $"{name}.nii.gz"));
        var scored = method.DiceByCase.Where(each => each.Case == name).Select(each => (double?)each.Dice).FirstOrDefault();
        html.Tag("div", () =>
        {
            html.Tag("p", () =>
            {
                html.Tag("span", method.Name.Title, ("class", "name"));
                if (scored is { } dice) html.Text($" Dice {Number.Fixed(100 * dice, 1)} %");
                if (guess is null) html.Text($" (not shown: {problem})");
            }, ("class", "panel-title"));
            string columns = string.Join(' ', picture.Planes.Select(at =>
                string.Create(CultureInfo.InvariantCulture, $"{picture.Extent(at.Plane).Width:F3}fr")));
            html.Tag("div", () =>
            {
                foreach (var (plane, index) in picture.Planes) WritePlane(html, picture, plane, index, guess, method, name);
            }, ("class", "planes"), ("style", $"grid-template-columns:{columns}"));
        });
    }

    static void WritePlane(
        Html html, CasePicture picture, SlicePlane plane, int index, LabelMap? guess, MethodResults method, string name)
    {
        var (width, height) = picture.Extent(plane);
        string truth = picture.Truth(plane, index);
        string box = $"0 0 {Number.Coordinate(width)} {Number.Coordinate(height)}";
        string drawn = guess is null
            ? "outline of the truth" : $"outlines of the truth and of what {method.Name.Title} predicted";
        html.Tag("svg", () =>
        {
            html.Void(
                "image", ("href", picture.Image(plane, index)), ("width", Number.Coordinate(width)),
                ("height", Number.Coordinate(height)), ("preserveAspectRatio", "none"));
            html.Tag("g", () =>
            {
                html.Void("path", ("class", "truth"), ("d", truth));
                if (guess is not null) html.Void("path", ("class", "guess"), ("d", CasePicture.Outline(guess, plane, index)));
            }, ("transform", picture.PixelScale(plane)));
        }, ("viewBox", box), ("role", "img"), ("aria-label", $"{name}, {plane.Name} plane {index}: scan with {drawn}"));
    }

    static void Key(Html html, string kind, string text) => html.Tag("span", text, ("class", $"key {kind}-key"));
}
