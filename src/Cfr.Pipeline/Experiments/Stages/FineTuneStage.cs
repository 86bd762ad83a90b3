using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Experiments;

/// <summary>Fine-tunes SAM on the mosaics of the labelled cases.</summary>
sealed class FineTuneStage(StageContext context, FineTuningConfiguration configuration) : Stage(context)
{
    public const string StageName = "fine-tune";

    public override string Name => StageName;

    public override IEnumerable<string> Inputs =>
    [
        // The checkpoint counts by its bytes, not by where it lies.
        ConfigurationFile.Write(configuration with { Sam = configuration.Sam with { Weights = null } }),
        Context.SamHash ?? "", Context.LabelledHash,
        Context.HashOf(configuration.Validation),
    ];

    public override IReadOnlyList<string> Owned => [Folder.FineTuning];

    public override IEnumerable<string> Outputs => [Folder.FineTunedSam];

    public override string? Run() => TrainingStage.Run(
        Context, Folder.FineTuning, configuration, (session, data, run) =>
            new Trainer(session, configuration, new SamFineTuning(session, configuration, data), data, data.Store(), run).Run);

    /// <summary>With random weights of the right sizes: the checkpoint need not be there yet.</summary>
    public override StageCost Cost(StageState state) => TrainingStage.Cost(
        Context, configuration, Folder.FineTuning, state, configuration.Iterations, (session, data) => new SamFineTuning(
            session, configuration with { Sam = new SamSource(Model: configuration.Sam.Configuration(data.Classes.Count)) }, data));
}
