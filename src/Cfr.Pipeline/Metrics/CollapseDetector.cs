namespace Cfr.Pipeline.Metrics;

/// <summary>
/// Notices a class that the network has stopped predicting: one of which no voxel was found in several validations
/// running, although the references have it. Each class is reported once.
/// </summary>
/// <param name="classes">Number of classes, the background included.</param>
/// <param name="patience">Validations in a row after which an empty class counts as collapsed.</param>
public sealed class CollapseDetector(int classes, int patience = 3)
{
    readonly int[] _empty = new int[classes];
    readonly HashSet<int> _reported = [];

    /// <summary>Takes in the scores of one validation.</summary>
    /// <returns>The classes that have just been found collapsed.</returns>
    public IReadOnlyList<int> Observe(IReadOnlyCollection<CaseScore> cases)
    {
        var collapsed = new List<int>();
        for (int c = 1; c < classes; c++)
        {
            ClassScore[] scores = [.. cases.SelectMany(scored => scored.Classes).Where(score => score.Class == c)];
            if (scores.All(score => score.IsTruthEmpty)) continue;
            _empty[c] = scores.All(score => score.IsPredictionEmpty) ? _empty[c] + 1 : 0;
            if (_empty[c] >= patience && _reported.Add(c)) collapsed.Add(c);
        }
        return collapsed;
    }
}
