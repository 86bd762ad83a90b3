using Cfr.Pipeline.Metrics;

namespace Cfr.Pipeline.Report;

/// <summary>What a run holds of one method.</summary>
/// <param name="Name">The method.</param>
/// <param name="Curve">Its training; null if it has none, or none is left.</param>
/// <param name="Scores">Its scores; null if it was not evaluated.</param>
/// <param name="Predictions">Folder of its predictions; null without.</param>
public sealed record MethodResults(MethodName Name, LearningCurve? Curve, StoredScores? Scores, string? Predictions)
{
    /// <summary>Means over the test cases; null if it was not evaluated.</summary>
    public ScoreSummary? Summary { get; } =
        Scores is not null && Scores.Cases.Any(scored => scored.Classes.Count > 0) ? ScoreSummary.Of([.. Scores.Cases]) : null;

    /// <summary>Mean Dice over classes and test cases, 0 to 1.</summary>
    public double? Dice => Summary?.Average.Metrics["dice"].Mean;

    /// <summary>Dice of each test case, the mean over its classes, in the order of the file.</summary>
    public IReadOnlyList<(string Case, double Dice)> DiceByCase => Scores is null ? [] : ByCase(Scores);

    internal static IReadOnlyList<(string Case, double Dice)> ByCase(StoredScores scores) =>
        [.. scores.Cases.Where(scored => scored.Classes.Count > 0)
            .Select(scored => (scored.Case, scored.Classes.Average(score => score.Dice)))];
}
