using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>Trains a 3D network by one method, with or without SAM's pseudo-labels.</summary>
sealed class RetrainStage(StageContext context, string row, TrainingConfiguration configuration) : Stage(context)
{
    public static string StageName(string row) => $"train {row}";

    public override string Name => StageName(row);

    public override IEnumerable<string> Inputs =>
    [
        ConfigurationFile.Write(configuration), Context.LabelledHash,
        configuration.IsSemiSupervised ? Context.UnlabelledHash : "",
        configuration.Labelled > Context.Experiment.Labelled ? Context.TrainHash : "",
        Context.HashOf(configuration.Validation),
        configuration.PseudoLabels?.From switch
        {
            null => "",
            PseudoLabelSource.Network => Context.OutputsOf(FineTuneStage.StageName),
            _ => Context.OutputsOf(PseudoLabelStage.StageName),
        },
    ];

    public override IReadOnlyList<string> Owned => [Folder.Retraining(row)];

    public override IEnumerable<string> Outputs => [Path.Combine(Folder.Retraining(row), "model.safetensors")];

    public override string? Run() => TrainingStage.Run(
        Context, Folder.Retraining(row), configuration, (session, data, run) =>
            new RetrainingRun(session, configuration, data, run, PseudoLabels(session)).Execute);

    public override StageCost Cost(StageState state)
    {
        bool isSelfTraining = configuration.Method == MethodKind.SelfTraining;
        // Self-training trains a teacher, unless SAM is that, and a student a round; each but the last gives labels.
        int rounds = configuration.SelfTraining.Rounds, teachers = isSelfTraining && configuration.PseudoLabels is null ? 1 : 0;
        long trainings = isSelfTraining ? rounds + teachers : 1;
        StageCost cost = TrainingStage.Cost(
            Context, configuration, Folder.Retraining(row), state, trainings * configuration.Iterations, (session, data) =>
                Methods.Create(new MethodContext(session, configuration, data, Planned(session, data))));
        if (!isSelfTraining || state == StageState.Done) return cost;
        PredictionConfiguration windows = new(configuration.SelfTraining.Stride ?? configuration.Patch.Halved);
        StageCost labels = PredictStage.Cost(
            Context, StageState.ToDo, Context.Unlabelled, Folder.Retraining(row), configuration.Patch, windows,
            session => new VolumeNetwork(configuration.Network.Create(new Weights(session))));
        double extra = (trainings - 1) * labels.Steps * (labels.Step?.Seconds ?? 0);
        return cost with { Work = $"{cost.Work}; {trainings - 1} times labels for {Context.Unlabelled.Count} cases", ExtraSeconds = extra };
    }

    /// <summary>What takes as long as the pseudo-labels that there will be.</summary>
    IPseudoLabels? Planned(Session session, DataSet data) =>
        configuration.PseudoLabels?.From == PseudoLabelSource.Network && configuration.Method != MethodKind.SelfTraining
            ? new NetworkPseudoLabels(
                MosaicSamFile.Untrained(session, Context.Experiment.FineTuning!, data.Classes.Count), "SAM", data.Classes.Count)
            : configuration.PseudoLabels is null && configuration.Method != MethodKind.SelfTraining ? null : new LoadedLabels();

    IPseudoLabels? PseudoLabels(Session session) => configuration.PseudoLabels?.From switch
    {
        null => null,
        PseudoLabelSource.Folder => new FolderPseudoLabels(Folder.PseudoLabels),
        _ => new NetworkPseudoLabels(
            MosaicSamFile.Load(session, Folder.FineTunedSam, Context.Experiment.FineTuning!.Sam.Weights),
            Folder.FineTunedSam, Context.Data.Classes.Count),
    };

    /// <summary>Labels as they come with a batch.</summary>
    sealed class LoadedLabels : IPseudoLabels
    {
        public IReadOnlyList<Case> Cases(IReadOnlyList<Case> unlabelled) => unlabelled;

        public Tensor Labels(Tensor patches, Tensor loaded) => loaded;
    }
}
