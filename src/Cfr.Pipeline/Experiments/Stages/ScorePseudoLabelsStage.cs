using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Retraining;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// Compares pseudo-labels with the truth where that is known, and draws some. No other stage but the report reads what comes out.
/// </summary>
sealed class ScorePseudoLabelsStage(StageContext context, FineTuningConfiguration tuning) : Stage(context)
{
    const int Pictures = 2;

    public override string Name => "score pseudo-labels";

    string Scores => Folder.PseudoLabelScores;

    IReadOnlyList<Case> Shown => [.. Context.Unlabelled.Take(Pictures)];

    /// <summary>With their truth, which Unlabelled hides.</summary>
    IReadOnlyList<Case> Known =>
        [.. Context.Data.Train.Skip(Context.Experiment.Labelled).Where(each => each.LabelPath is not null)];

    public override IEnumerable<string> Inputs =>
        [Context.OutputsOf(PseudoLabelStage.StageName), Fingerprint.OfCases(Context.Data, Known), $"{tuning.Patch}"];

    public override IReadOnlyList<string> Owned => [Scores, .. PicturePaths];

    public override IEnumerable<string> Outputs => Known.Count > 0 ? [Scores, .. PicturePaths] : PicturePaths;

    IEnumerable<string> PicturePaths => Shown.SelectMany(each => MosaicPictures.Paths(Folder, each.Name));

    public override string? Run()
    {
        DataSet data = Context.DataFor(tuning);
        foreach (Case each in Shown)
            MosaicPictures.Write(Folder, tuning, data.Classes.Count, data.Read(each with { LabelPath = Label(each) }));
        if (Known.Count == 0) return null;
        Evaluation found = Evaluation.Of(
            [.. Known.Select(each => new PredictedCase(each.Name, Label(each), each.LabelPath!))], data.Classes.Count,
            threads: Environment.ProcessorCount,
            progress: done => Context.Observer.Progressed("comparing", done, Known.Count));
        foreach (string warning in found.Warnings) Context.Observer.Warn(warning);
        ScoreFile.Write(Scores, found.Cases, c => data.Classes[c]);
        return $"Dice {found.Summary.Average.Metrics["dice"].Mean:F4} over the {Known.Count} cases whose truth is known";
    }

    public override StageCost Cost(StageState state) => new($"{Known.Count} cases whose truth is known");

    string Label(Case each) => FolderPseudoLabels.PathOf(Folder.PseudoLabels, each);
}
