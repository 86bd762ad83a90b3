using MathNet.Numerics.Statistics;

namespace Cfr.Pipeline.Metrics;

/// <summary>Mean over cases, and the sample standard deviation (n - 1; none for one case).</summary>
public readonly record struct Spread(double Mean, double? Deviation)
{
    /// <summary>Of these values.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return new(all.Mean(), all.Length > 1 ? all.StandardDeviation() : null);
    }
}

/// <summary>A metric: the name of its column, its value, and how it is written for people.</summary>
/// <param name="Name">Name in files.</param>
/// <param name="Title">Name in tables.</param>
/// <param name="Of">Its value in a score.</param>
/// <param name="IsDistance">True for distances (voxels or mm), false for fractions.</param>
public sealed record Metric(string Name, string Title, Func<ClassScore, double> Of, bool IsDistance)
{
    /// <summary>All, in the order of the tables: Dice, Jaccard, ASD, 95HD, then the mirrored and symmetric forms.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        new("dice", "Dice", score => score.Dice, IsDistance: false),
        new("jaccard", "Jaccard", score => score.Jaccard, IsDistance: false),
        new("asd", "ASD", score => score.Asd, IsDistance: true),
        new("hd95", "95HD", score => score.Hd95, IsDistance: true),
        new("asd_mirrored", "mirrored ASD", score => score.AsdMirrored, IsDistance: true),
        new("assd", "ASSD", score => score.Assd, IsDistance: true),
        new("hd", "HD", score => score.Hd, IsDistance: true),
    ];
}

/// <summary>The scores of one class over all cases. Cases in which it is empty count, with 0.</summary>
/// <param name="Class">The class; 0 for the unweighted mean of all classes.</param>
/// <param name="Metrics">Mean and deviation by the metric's name.</param>
/// <param name="EmptyPredictions">Cases in which nothing of the class was predicted.</param>
/// <param name="EmptyTruths">Cases whose reference has nothing of the class.</param>
public sealed record ClassSummary(
    int Class, IReadOnlyDictionary<string, Spread> Metrics, int EmptyPredictions, int EmptyTruths);

/// <summary>Means over the cases of a test set.</summary>
/// <param name="Cases">How many.</param>
/// <param name="Classes">Class by class.</param>
/// <param name="Average">
/// All classes: the mean is the unweighted mean of the classes' means, the deviation that of the cases' means over
/// their classes; empty ones are counted over all classes.
/// </param>
public sealed record ScoreSummary(int Cases, IReadOnlyList<ClassSummary> Classes, ClassSummary Average)
{
    /// <summary>Summarises cases of the same classes.</summary>
    /// <exception cref="ArgumentException">There is no case.</exception>
    public static ScoreSummary Of(IReadOnlyCollection<CaseScore> cases)
    {
        if (cases.Count == 0) throw new ArgumentException("no cases to summarise");
        ClassSummary[] classes =
        [
            .. cases.SelectMany(scored => scored.Classes).GroupBy(score => score.Class).OrderBy(group => group.Key)
                .Select(group => Summarise(group.Key, metric => group.Select(metric.Of), [.. group])),
        ];
        ClassScore[] all = [.. cases.SelectMany(scored => scored.Classes)];
        ClassSummary average = Summarise(
            0, metric => cases.Select(scored => scored.Classes.Select(metric.Of).Mean()), all);
        return new(cases.Count, classes, average);
    }

    static ClassSummary Summarise(int number, Func<Metric, IEnumerable<double>> values, ClassScore[] scores) => new(
        number, Metric.All.ToDictionary(metric => metric.Name, metric => Spread.Of(values(metric))),
        scores.Count(score => score.IsPredictionEmpty), scores.Count(score => score.IsTruthEmpty));
}
