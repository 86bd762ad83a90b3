using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>A case's prediction and reference on the disk.</summary>
public sealed record PredictedCase(string Name, string PredictionPath, string LabelPath);

/// <summary>The scores of a folder of predictions.</summary>
/// <param name="Cases">Case by case.</param>
/// <param name="Summary">Their means.</param>
/// <param name="Warnings">What to know: predictions that lie elsewhere than their reference; a line each.</param>
public sealed record Evaluation(IReadOnlyList<CaseScore> Cases, ScoreSummary Summary, IReadOnlyList<string> Warnings)
{
    const int AnyClass = 256;

    /// <summary>Finds the prediction of every reference.</summary>
    /// <param name="predictions">Folder of predictions, or one file.</param>
    /// <param name="references">The references by the names of their cases.</param>
    /// <param name="needsAll">Every reference must have its prediction; otherwise one is enough.</param>
    /// <param name="others">Cases whose predictions may be there but are not asked for.</param>
    /// <exception cref="BadDataException">A prediction without reference, or a reference without prediction.</exception>
    public static IReadOnlyList<PredictedCase> Match(
        string predictions, IReadOnlyList<(string Name, string Path)> references, bool needsAll,
        IEnumerable<string>? others = null)
    {
        Dictionary<string, string> found = CaseFiles.Find([predictions]).ToDictionary(file => file.Name, file => file.Path);
        foreach (string other in (others ?? []).Except(references.Select(file => file.Name))) found.Remove(other);
        var labels = references.ToDictionary(file => file.Name, file => file.Path);
        Refuse("there is no reference for", found.Keys.Where(name => !labels.ContainsKey(name)));
        if (needsAll) Refuse("there is no prediction of", labels.Keys.Where(name => !found.ContainsKey(name)));
        return [.. found.OrderBy(file => file.Key, StringComparer.Ordinal)
            .Select(file => new PredictedCase(file.Key, file.Value, labels[file.Key]))];

        void Refuse(string what, IEnumerable<string> names)
        {
            string[] all = [.. names.Order(StringComparer.Ordinal)];
            if (all.Length > 0) throw new BadDataException(
                $"{predictions}: {what} {all.Length} case{(all.Length > 1 ? "s" : "")}: {string.Join(", ", all)}");
        }
    }

    /// <summary>Scores cases.</summary>
    /// <param name="cases">What to compare.</param>
    /// <param name="classes">Number of classes; by default those that occur.</param>
    /// <param name="spacing">Voxel size for a reference, for distances in mm; by default they are in voxels.</param>
    /// <param name="threads">Threads to use; the result does not depend on them.</param>
    /// <param name="progress">Told how many cases are done.</param>
    /// <exception cref="BadDataException">A file cannot be read, sizes differ, or a label is no class.</exception>
    public static Evaluation Of(
        IReadOnlyList<PredictedCase> cases, int? classes = null,
        Func<string, Geometry, (double, double, double)>? spacing = null, int threads = 1, Action<int>? progress = null)
    {
        var scores = new List<CaseScore>();
        var warnings = new List<string>();
        foreach (PredictedCase each in cases)
        {
            LabelMap prediction = VolumeFile.ReadLabels(each.PredictionPath), truth = VolumeFile.ReadLabels(each.LabelPath);
            if (prediction.Size == truth.Size && !prediction.Geometry.Affine.IsNear(truth.Geometry.Affine))
                warnings.Add($"{each.PredictionPath}: lies elsewhere than {each.LabelPath} ({prediction.Geometry.Affine} "
                    + $"against {truth.Geometry.Affine}); they are compared voxel by voxel");
            scores.Add(CaseScore.Of(
                each.Name, prediction, truth, classes ?? AnyClass, spacing?.Invoke(each.LabelPath, truth.Geometry), threads));
            progress?.Invoke(scores.Count);
        }
        if (classes is null) scores = WithoutUnused(scores);
        return new(scores, ScoreSummary.Of(scores), warnings);
    }

    /// <summary>Only the classes up to the last that occurs in any case.</summary>
    static List<CaseScore> WithoutUnused(List<CaseScore> scores)
    {
        int last = scores.SelectMany(scored => scored.Classes)
            .Where(score => !score.IsPredictionEmpty || !score.IsTruthEmpty).Select(score => score.Class).DefaultIfEmpty(1).Max();
        return [.. scores.Select(scored => scored with { Classes = [.. scored.Classes.Take(last)] })];
    }
}
