using Cfr.Pipeline.Metrics;

namespace Cfr.Pipeline.Report;

/// <summary>The question of a run and its answer, in words and numbers.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Headline">The answer in a sentence.</param>
/// <param name="Details">Further sentences: the gap, single cases, what the paper has.</param>
public sealed record Answer(string Question, string Headline, IReadOnlyList<string> Details)
{
    /// <summary>Standard errors that a difference must exceed to count.</summary>
    const double Errors = 2;

    /// <summary>From the mean Dice of the methods that were evaluated.</summary>
    public static Answer Of(RunResults run)
    {
        RunDataset data = run.Manifest.Dataset;
        int all = data.Labelled + data.Unlabelled;
        string question = $"How well can {data.Name ?? "the data set"} be segmented when only {data.Labelled} of "
            + $"{Number.Count(all, "training case")} {(data.Labelled == 1 ? "has a label" : "have labels")}, and SAM helps?";
        MethodResults? baseline = One(MethodRole.Baseline), upper = One(MethodRole.UpperBound);
        MethodResults? best = Best(MethodRole.Retrained) ?? One(MethodRole.FineTuned);
        if (best is null) return new(question, "No method of CFR has been evaluated in this run.", [.. Others()]);

        string with = $"With {Number.Count(data.Labelled, "labelled case")} of {all}";
        string headline = $"{with}, {Reaches(best)}"
            + (baseline is null ? "" : $"; {NetworkOf(run)} on {Those(data.Labelled)} alone {Dice(baseline)}")
            + (upper is null ? "" : $"; with all labels {Dice(upper)}") + ".";
        return new(question, headline, [.. Details()]);

        IEnumerable<string> Details()
        {
            if (baseline is not null) yield return Verdict(best, baseline, upper);
            if (baseline is not null && Paired(best, baseline) is { Count: > 1 } pairs) yield return Pairs(pairs, best, baseline);
            if (run.Methods.FirstOrDefault(method => method.Name.Id == best.Name.Counterpart) is { Dice: not null } without)
                yield return $"The same method without SAM, {without.Name.Title}, reaches {Dice(without)}: SAM's pseudo-labels "
                    + $"{(best.Dice >= without.Dice ? "add" : "cost")} {Distance(best.Dice, without.Dice)}.";
            if (best.Name.Role == MethodRole.Retrained && One(MethodRole.FineTuned) is { } tuned)
                yield return $"The fine-tuned SAM itself reaches {Dice(tuned)}; re-training "
                    + (best.Dice >= tuned.Dice ? "gains" : "loses") + $" {Distance(best.Dice, tuned.Dice)} over it.";
            if (PaperTable.Find(data.Name, data.Labelled, best.Name) is { } paper && paper.Values.TryGetValue("Dice", out double percent))
                yield return $"The paper has Dice {Number.Fixed(percent / 100, 3)} for {best.Name.Title} with {data.Labelled} "
                    + $"labelled (table {paper.Table}); this run has {Distance(best.Dice, percent / 100)} "
                    + $"{(best.Dice >= percent / 100 ? "more" : "less")}.";
            int rivals = run.Methods.Count(method => method.Name.Role == best.Name.Role && method.Dice is not null);
            if (rivals > 1)
                yield return $"{best.Name.Title} is the best of {rivals} such methods on these very test cases, which flatters it a little.";
            foreach (string other in Others()) yield return other;
        }

        IEnumerable<string> Others()
        {
            foreach (MethodResults method in run.Methods)
                if (method.Summary is { Average.EmptyPredictions: > 0 } summary)
                    yield return $"{method.Name.Title} predicted nothing of a class "
                        + $"{Number.Count(summary.Average.EmptyPredictions, "time")}; this costs Dice but lowers mean distances.";
        }

        MethodResults? One(MethodRole role) =>
            run.Methods.FirstOrDefault(method => method.Name.Role == role && method.Dice is not null);

        MethodResults? Best(MethodRole role) =>
            run.Methods.Where(method => method.Name.Role == role && method.Dice is not null).MaxBy(method => method.Dice);
    }

    /// <summary>CFR against the baseline, and the share of the gap to the upper bound that it closes.</summary>
    static string Verdict(MethodResults best, MethodResults baseline, MethodResults? upper)
    {
        double gain = (best.Dice - baseline.Dice)!.Value;
        if (gain <= 0)
            return $"CFR does not help here: it is {Number.Fixed(-gain, 3)} below supervised training on the same labels.";
        string gains = $"CFR gains {Number.Fixed(gain, 3)}";
        if (upper is null) return $"{gains}. Nothing was trained with all labels, so the gap to it is not known.";
        double gap = (upper.Dice - baseline.Dice)!.Value;
        if (gap <= 0) return $"{gains}. All labels reach no more than the few do, so there is no gap to close.";
        return gain > gap
            ? $"{gains}: more than the whole gap of {Number.Fixed(gap, 3)} that all labels close."
            : $"It closes {Number.Fixed(100 * gain / gap, 0)} % of the gap between few labels and all of them.";
    }

    static string Pairs(IReadOnlyList<double> differences, MethodResults best, MethodResults baseline)
    {
        int better = differences.Count(difference => difference > 0);
        Spread spread = Spread.Of(differences);
        double error = spread.Deviation!.Value / Math.Sqrt(differences.Count);
        string clear = Math.Abs(spread.Mean) > Errors * error ? "" : " These cases are too few to tell the two apart.";
        return $"{best.Name.Title} is better than {baseline.Name.Title} on {better} of {differences.Count} test cases; "
            + $"the mean difference is {Number.Signed(spread.Mean, 3)} ± {Number.Fixed(error, 3)} "
            + $"(standard error over cases; one run, one seed).{clear}";
    }

    /// <summary>Differences of Dice on the cases that both have.</summary>
    static List<double> Paired(MethodResults first, MethodResults second)
    {
        var others = second.DiceByCase.ToDictionary(each => each.Case, each => each.Dice);
        return [.. first.DiceByCase.Where(each => others.ContainsKey(each.Case)).Select(each => each.Dice - others[each.Case])];
    }

    static string Reaches(MethodResults method) => $"{method.Name.Title} reaches Dice {Dice(method)}";

    static string Dice(MethodResults method) => Number.Fixed(method.Dice!.Value, 3);

    static string Distance(double? first, double? second) => Number.Fixed(Math.Abs((first - second)!.Value), 3);

    static string Those(int labelled) => labelled == 1 ? "that label" : "those labels";

    static string NetworkOf(RunResults run) => NetworkTitle.Of(run.Experiment) ?? "supervised training";
}
