using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Retraining;

namespace Cfr.Pipeline.Experiments;

/// <summary>Fine-tuned SAM labels the unlabelled cases; where their truth is known, that is compared, and used for nothing.</summary>
sealed class PseudoLabelStage(StageContext context, FineTuningConfiguration tuning) : Stage(context)
{
    public const string StageName = "pseudo-label";

    public override string Name => StageName;

    PredictionConfiguration Prediction => Context.Experiment.PseudoLabelling ?? PredictionConfiguration.HalfPatch(tuning.Patch);

    string Scores => Path.Combine(Folder.PseudoLabels, "scores.json");

    public override IEnumerable<string> Inputs =>
        [Context.OutputsOf(FineTuneStage.StageName), Context.UnlabelledHash, ConfigurationFile.Write(Prediction), $"{tuning.Patch}"];

    /// <summary>The cases of which there will be pictures.</summary>
    IReadOnlyList<Case> Shown => [.. Context.Unlabelled.Take(2)];

    public override IReadOnlyList<string> Owned =>
        [Folder.PseudoLabels, .. Shown.SelectMany(each => MosaicPictures.Paths(Folder, each.Name))];

    public override IEnumerable<string> Outputs =>
        Context.Unlabelled.Select(each => FolderPseudoLabels.PathOf(Folder.PseudoLabels, each));

    public override string? Run()
    {
        DataSet data = Context.DataFor(tuning);
        var (device, session) = Context.Open(tuning.Seed);
        using (device)
        {
            MosaicSam sam = MosaicSamFile.Load(session, Folder.FineTunedSam, tuning.Sam.Weights);
            new CaseLabelling(data, sam, tuning.Patch, Prediction)
                .Write(Context.Unlabelled, Folder.PseudoLabels, Context.Observer.Progressed, Context.Stop);
        }
        foreach (Case each in Shown)
            MosaicPictures.Write(
                Folder, tuning, data.Classes.Count,
                data.Read(each with { LabelPath = FolderPseudoLabels.PathOf(Folder.PseudoLabels, each) }));
        // Train, not Unlabelled: there labels are hidden.
        PredictedCase[] known = [.. Context.Data.Train.Skip(Context.Experiment.Labelled).Where(each => each.LabelPath is not null)
            .Select(each => new PredictedCase(each.Name, FolderPseudoLabels.PathOf(Folder.PseudoLabels, each), each.LabelPath!))];
        if (known.Length == 0) return $"{Context.Unlabelled.Count} cases";
        Evaluation found = Evaluation.Of(known, data.Classes.Count);
        ScoreFile.Write(Scores, found.Cases, c => data.Classes[c]);
        return $"{Context.Unlabelled.Count} cases, Dice {found.Summary.Average.Metrics["dice"].Mean:F4} where the truth is known";
    }

    public override StageCost Cost(bool done) => PredictStage.Cost(
        Context, done, Context.PlannedData.Train.Skip(Context.Experiment.Labelled), tuning.Patch, Prediction,
        session => MosaicSamFile.Untrained(session, tuning, Context.PlannedData.Classes.Count));
}
