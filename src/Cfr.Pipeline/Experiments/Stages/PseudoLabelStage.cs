using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;

namespace Cfr.Pipeline.Experiments;

/// <summary>Fine-tuned SAM labels the unlabelled cases.</summary>
sealed class PseudoLabelStage(StageContext context, FineTuningConfiguration tuning) : Stage(context)
{
    public const string StageName = "pseudo-label";

    public override string Name => StageName;

    PredictionConfiguration Prediction => Context.Experiment.PseudoLabelling ?? PredictionConfiguration.HalfPatch(tuning.Patch);

    public override IEnumerable<string> Inputs =>
        [Context.OutputsOf(FineTuneStage.StageName), Context.UnlabelledHash, ConfigurationFile.Write(Prediction), $"{tuning.Patch}"];

    public override IReadOnlyList<string> Owned => [Folder.PseudoLabels];

    public override IEnumerable<string> Outputs =>
        Context.Unlabelled.Select(each => FolderPseudoLabels.PathOf(Folder.PseudoLabels, each));

    public override string Run()
    {
        var (device, session) = Context.Open(tuning.Seed);
        using (device)
        {
            MosaicSam sam = MosaicSamFile.Load(session, Folder.FineTunedSam, tuning.Sam.Weights);
            new CaseLabelling(Context.DataFor(tuning), sam, tuning.Patch, Prediction).Write(
                Context.Unlabelled, Folder.PseudoLabels,
                (done, all) => Context.Observer.Progressed("segmenting", done, all), Context.Stop);
        }
        return $"{Context.Unlabelled.Count} cases";
    }

    public override StageCost Cost(StageState state) => PredictStage.Cost(
        Context, state, Context.Unlabelled, Folder.PseudoLabels, tuning.Patch, Prediction,
        session => MosaicSamFile.Untrained(session, tuning, Context.Data.Classes.Count));
}
