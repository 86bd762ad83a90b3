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
        DataSet data = context.Data with { Normalization = configuration.Normalization ?? context.Data.Normalization };
        var (device, session) = context.Open(configuration.Seed);
        using (device)
        {
            RunFolder run = File.Exists(Path.Combine(folder, RunFolder.ConfigurationName))
                ? RunFolder.Open(folder, configuration).Run
                : RunFolder.Create(folder, configuration);
            var trainer = new Trainer(session, configuration, method(session, data), data, data.Store(), run);
            if (!trainer.Run(context.Observer.Training, context.Stop)) throw new OperationCanceledException();
            return TrainingLog.Read(run.Log).LastOrDefault(line => line["loss"] is not null) is { } last
                ? $"{configuration.Iterations} iterations, last loss {(double)last["loss"]!:F4}" : null;
        }
    }
}
