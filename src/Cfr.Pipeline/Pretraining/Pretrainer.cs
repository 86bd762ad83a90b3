using System.Diagnostics;
using Cfr.Models;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// A run of <see cref="Pretraining"/>: steps, a line of the log for each, a checkpoint now and then from which it goes on bit for bit.
/// </summary>
/// <example><code>
/// var trainer = new Pretrainer(session, configuration, RunFolder.Create("runs/small", configuration));
/// bool finished = trainer.Run(observer, stop);
/// </code></example>
public sealed class Pretrainer
{
    readonly Session _session;
    readonly PretrainingConfiguration _configuration;
    readonly RunFolder _run;
    readonly Pretraining _pretraining;
    readonly Schedule _schedule;

    /// <summary>A run that begins, or goes on where its folder's checkpoint is.</summary>
    /// <exception cref="ArgumentException">The settings make no sense.</exception>
    public Pretrainer(Session session, PretrainingConfiguration configuration, RunFolder run)
    {
        configuration.Check();
        (_session, _configuration, _run) = (session, configuration, run);
        _pretraining = new Pretraining(session, configuration);
        _schedule = configuration.Schedule.Create(configuration.LearningRate, configuration.Iterations);
    }

    /// <summary>The model.</summary>
    public Sam Sam => _pretraining.Sam;

    /// <summary>Opens the folder of a run that is there.</summary>
    /// <inheritdoc cref="RunFolder.Open"/>
    public static (RunFolder Run, PretrainingConfiguration Configuration) Open(
        string path, PretrainingConfiguration? wanted = null) => RunFolder.OpenAny(path, wanted, found => found);

    /// <summary>The scores of the model in a run's folder.</summary>
    public static string ScoresFile(RunFolder run) => Path.Combine(run.Root, "scores.json");

    /// <summary>Trains to the last iteration, or until it is told to stop; then the step is finished and saved.</summary>
    /// <returns>Whether the last iteration was reached.</returns>
    /// <exception cref="DivergedException">The loss or a weight is no number.</exception>
    public bool Run(ITrainingObserver observer, CancellationToken stop = default)
    {
        _run.Begin();
        long iteration = File.Exists(_run.Checkpoint) ? Checkpoint.Load(_run.Checkpoint, _pretraining, _session) : 0;
        using TrainingLog log = TrainingLog.Open(_run.Log, iteration);
        using var loader = new AheadLoader<PromptBatch>(_pretraining.Batch, iteration, threads: 1, ahead: 3);
        observer.Started(iteration, _configuration.Iterations);
        while (true)
        {
            bool last = iteration == _configuration.Iterations;
            bool ends = last || stop.IsCancellationRequested;
            if (ends || iteration > 0 && iteration % _configuration.CheckpointEvery == 0) Save(iteration);
            if (ends) return last;
            if (Step(iteration, loader, stop) is not { } step) continue;
            iteration = step.Iteration;
            log.Write(step.ToJson());
            observer.Stepped(step);
        }
    }

    /// <summary>Tests the model on drawings that were held out, and keeps the scores in the run's folder.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public PromptScores Test(Action<int, int>? progress = null, CancellationToken stop = default)
    {
        PromptScores scores = PromptEvaluation.Run(
            Sam, PromptEvaluation.HeldOutSeed(_configuration.Seed), _configuration.HeldOut, progress, stop);
        AtomicFile.WriteText(ScoresFile(_run), ConfigurationFile.Write(scores));
        return scores;
    }

    TrainingStep? Step(long iteration, AheadLoader<PromptBatch> loader, CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        using Scope scope = _session.Step();
        PromptBatch batch;
        try
        {
            batch = loader.Next(stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        var (losses, overlap) = _pretraining.Losses(batch, iteration);
        float[] values = losses.Values().ToArray();
        float loss = values[0];
        if (!float.IsFinite(loss))
            throw new DivergedException($"iteration {iteration + 1}: the loss is {loss}");
        (string, float)[] parts = [.. losses.Parts.Select((part, i) => (part.Name, values[i + 1])), ("overlap", overlap)];
        losses.Total.Backward();
        double rate = _schedule.At(iteration);
        ITrained trained = _pretraining;
        trained.Step((float)rate);
        trained.ClearGradients();
        return new TrainingStep(iteration + 1, loss, parts, rate, Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    void Save(long iteration)
    {
        FiniteWeights.Check(_session, _pretraining, iteration);
        SamFile.Save(_pretraining.Sam, _run.Model, new Dictionary<string, string> { ["iteration"] = $"{iteration}" });
        Checkpoint.Save(_run.Checkpoint, _pretraining, _session, iteration);
    }
}
