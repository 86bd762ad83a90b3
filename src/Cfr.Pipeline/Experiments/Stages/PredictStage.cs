using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>A trained network, or fine-tuned SAM itself, segments the test cases.</summary>
/// <param name="context">The experiment.</param>
/// <param name="row">The row of the table.</param>
/// <param name="trained">The stage that makes the network.</param>
/// <param name="configuration">The settings of that stage.</param>
/// <param name="prediction">How windows lie.</param>
/// <param name="load">Loads the network.</param>
/// <param name="untrained">Makes one of its kind, to see what it takes.</param>
sealed class PredictStage(
    StageContext context, string row, string trained, RunConfiguration configuration, PredictionConfiguration prediction,
    Func<Session, IVolumeNetwork> load, Func<Session, IVolumeNetwork> untrained) : Stage(context)
{
    public static string StageName(string row) => $"predict {row}";

    /// <summary>Of a re-trained network.</summary>
    public static PredictStage Of(StageContext context, string row, TrainingConfiguration configuration) => new(
        context, row, RetrainStage.StageName(row), configuration, context.Experiment.Prediction,
        session => new VolumeNetwork(NetworkFile.Load(session, Path.Combine(context.Folder.Retraining(row), "model.safetensors"))),
        session => new VolumeNetwork(configuration.Network.Create(new Weights(session))));

    /// <summary>Of fine-tuned SAM.</summary>
    public static PredictStage Of(StageContext context, string row, FineTuningConfiguration configuration) => new(
        context, row, FineTuneStage.StageName, configuration,
        context.Experiment.PseudoLabelling ?? PredictionConfiguration.HalfPatch(configuration.Patch),
        session => MosaicSamFile.Load(session, context.Folder.FineTunedSam, configuration.Sam.Weights),
        session => MosaicSamFile.Untrained(session, configuration, context.Data.Classes.Count));

    public override string Name => StageName(row);

    public override IEnumerable<string> Inputs =>
        [Context.OutputsOf(trained), Context.TestHash, ConfigurationFile.Write(prediction), $"{configuration.Patch}"];

    public override IReadOnlyList<string> Owned => [Folder.Predictions(row)];

    public override IEnumerable<string> Outputs =>
        Context.Data.Test.Select(each => FolderPseudoLabels.PathOf(Folder.Predictions(row), each));

    public override string Run()
    {
        DataSet data = Context.DataFor(configuration);
        var (device, session) = Context.Open(configuration.Seed);
        using (device)
        {
            new CaseLabelling(data, load(session), configuration.Patch, prediction)
                .Write(data.Test, Folder.Predictions(row), (done, all) => Context.Observer.Progressed("segmenting", done, all), Context.Stop);
        }
        return $"{data.Test.Count} cases";
    }

    public override StageCost Cost(StageState state) =>
        Cost(Context, state, Context.Data.Test, Folder.Predictions(row), configuration.Patch, prediction, untrained);

    /// <summary>Windows of all cases, and what one of them takes.</summary>
    public static StageCost Cost(
        StageContext context, StageState state, IEnumerable<Case> cases, string folder, GridSize patch,
        PredictionConfiguration prediction, Func<Session, IVolumeNetwork> network)
    {
        var windows = new SlidingWindow(patch, prediction.Stride);
        Case[] left = [.. cases.Where(each => state != StageState.Begun || !File.Exists(FolderPseudoLabels.PathOf(folder, each)))];
        GridSize[] sizes = [.. left.Select(context.SizeOf).OfType<GridSize>()];
        long count = sizes.Sum(size => (long)windows.Windows(size));
        string work = sizes.Length < left.Length
            ? $"{left.Length} cases; their sizes are known when the data set is made"
            : $"{left.Length} cases, {count:N0} windows {patch}, {prediction.Stride} apart";
        if (state == StageState.Done || count == 0) return new StageCost(work);
        var (device, session) = context.Open(seed: 0);
        using (device)
        {
            StepCost step = Trial.Predict(session, network(session), patch, prediction.Batch);
            return new StageCost(work, count, step with { Seconds = step.Seconds / prediction.Batch });
        }
    }
}
