using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>A training run as a part of an experiment.</summary>
static class TrainingStage
{
    /// <summary>Begins the run, or goes on with it: what <paramref name="open"/> gives trains until the end or a stop.</summary>
    /// <exception cref="OperationCanceledException">It was stopped and saved.</exception>
    public static string? Run<T>(
        StageContext context, string folder, T configuration,
        Func<Session, DataSet, RunFolder, Func<ITrainingObserver, CancellationToken, bool>> open) where T : RunConfiguration
    {
        DataSet data = context.DataFor(configuration);
        var (device, session) = context.Open(configuration.Seed);
        using (device)
        {
            RunFolder run = RunFolder.CreateOrOpen(folder, configuration);
            if (!open(session, data, run)(context.Observer.Training, context.Stop)) throw new OperationCanceledException();
            // Self-training has the logs of its parts alone.
            return File.Exists(run.Log) && TrainingLog.Read(run.Log).LastOrDefault(line => line["loss"] is not null) is { } last
                ? $"{configuration.Iterations} iterations, last loss {(double)last["loss"]!:F4}" : null;
        }
    }

    /// <summary>A step of the run, done for its time and memory.</summary>
    /// <param name="context">The experiment.</param>
    /// <param name="configuration">The settings.</param>
    /// <param name="folder">Where its checkpoint may be.</param>
    /// <param name="state">What there is already.</param>
    /// <param name="steps">Steps from the beginning.</param>
    /// <param name="create">Builds what is trained.</param>
    public static StageCost Cost(
        StageContext context, RunConfiguration configuration, string folder, StageState state, long steps,
        Func<Session, DataSet, IMethod> create)
    {
        if (state == StageState.Done) return new StageCost($"{steps:N0} steps");
        var (device, session) = context.Open(configuration.Seed);
        using (device)
        {
            IMethod method = create(session, context.DataFor(configuration));
            long trained = method.Network.Weights.Parameters.Where(weight => weight.Tensor.RequiresGrad).Sum(weight => weight.Tensor.Count);
            string work = $"{steps:N0} steps of {method.Sampler.Batch(0).Length} patches {configuration.Patch}; {method.Network.Name}, "
                + $"{trained:N0} parameters train";
            string checkpoint = Path.Combine(folder, RunFolder.CheckpointName);
            long before = state == StageState.Begun && File.Exists(checkpoint) ? Checkpoint.Iteration(checkpoint) : 0;
            return new StageCost(work, steps - before, Trial.Train(session, method, configuration));
        }
    }
}
