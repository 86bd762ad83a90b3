using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>A training run as a part of an experiment.</summary>
static class TrainingStage
{
    /// <summary>Begins the run, or goes on with it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped and saved.</exception>
    public static string? Run<T>(
        StageContext context, string folder, T configuration, Func<Session, DataSet, IMethod> method) where T : RunConfiguration
    {
        DataSet data = context.DataFor(configuration);
        var (device, session) = context.Open(configuration.Seed);
        using (device)
        {
            RunFolder run = RunFolder.CreateOrOpen(folder, configuration);
            var trainer = new Trainer(session, configuration, method(session, data), data, data.Store(), run);
            if (!trainer.Run(context.Observer.Training, context.Stop)) throw new OperationCanceledException();
            return TrainingLog.Read(run.Log).LastOrDefault(line => line["loss"] is not null) is { } last
                ? $"{configuration.Iterations} iterations, last loss {(double)last["loss"]!:F4}" : null;
        }
    }

    /// <summary>A step of the run, done for its time and memory.</summary>
    public static StageCost Cost(
        StageContext context, RunConfiguration configuration, bool done, long steps, Func<Session, DataSet, IMethod> create)
    {
        if (done) return new StageCost($"{steps:N0} steps");
        var (device, session) = context.Open(configuration.Seed);
        using (device)
        {
            IMethod method = create(session, context.PlannedData);
            long trained = method.Network.Weights.Parameters.Where(weight => weight.Tensor.RequiresGrad).Sum(weight => weight.Tensor.Count);
            string work = $"{steps:N0} steps of {method.Sampler.Batch(0).Length} patches {configuration.Patch}; {method.Network.Name}, "
                + $"{trained:N0} parameters train";
            return new StageCost(work, steps, Trial.Train(session, method, configuration));
        }
    }
}
