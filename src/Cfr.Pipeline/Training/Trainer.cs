using System.Diagnostics;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Retraining;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>
/// The training loop, for every <see cref="IMethod"/>: batches, steps, validation, log and checkpoints. A run that was
/// stopped or killed goes on from its last checkpoint with the same bits as if it had not been.
/// </summary>
/// <example><code>
/// IMethod method = Methods.Create(new MethodContext(session, configuration, data));
/// var trainer = new Trainer(session, configuration, method, data, data.Store(), RunFolder.Create("runs/la", configuration));
/// bool finished = trainer.Run(observer, stop);
/// </code></example>
public sealed class Trainer
{
    readonly Session _session;
    readonly RunConfiguration _configuration;
    readonly DataSet _data;
    readonly CaseStore _store;
    readonly RunFolder _run;
    readonly IMethod _method;
    readonly Schedule _schedule;
    readonly IReadOnlyList<Case> _validationCases;
    readonly CollapseDetector _collapse;
    readonly Queue<StartedStep> _started = [];
    double _bestDice = double.NegativeInfinity;
    long _finished;

    /// <summary>A run that begins, or goes on where its folder's checkpoint is.</summary>
    /// <param name="session">A session with the configuration's seed.</param>
    /// <param name="configuration">The settings.</param>
    /// <param name="method">What is trained, and how.</param>
    /// <param name="data">The data set.</param>
    /// <param name="store">Where its cases come from.</param>
    /// <param name="run">The folder.</param>
    /// <exception cref="ArgumentException">The settings do not fit the data.</exception>
    /// <exception cref="BadDataException">A case has no label and needs one.</exception>
    public Trainer(
        Session session, RunConfiguration configuration, IMethod method, DataSet data, CaseStore store, RunFolder run)
    {
        (_session, _configuration, _method, _data, _store, _run) = (session, configuration, method, data, store, run);
        _schedule = configuration.Schedule.Create(configuration.LearningRate, configuration.Iterations);
        _validationCases = ValidationCasesOf(configuration, data);
        _collapse = new CollapseDetector(method.Network.Classes);
    }

    /// <exception cref="ArgumentException">The settings make no sense, or do not fit the data.</exception>
    /// <exception cref="BadDataException">A case has no label and needs one.</exception>
    public static void Check(TrainingConfiguration configuration, DataSet data)
    {
        configuration.Check();
        if (configuration.Network.Classes != data.Classes.Count)
            throw new ArgumentException(
                $"network.classes is {configuration.Network.Classes}, but {data.Name} ({data.ListPath}) has {data.Classes.Count}: "
                + string.Join(", ", data.Classes));
        if (configuration.Network.Channels != 1)
            throw new ArgumentException($"network.channels is {configuration.Network.Channels}; scans have one");
        CheckCases(configuration, data);
        Methods.Check(configuration, data);
    }

    /// <exception cref="ArgumentException">There are not as many cases as the settings want.</exception>
    /// <exception cref="BadDataException">A case has no label and needs one.</exception>
    public static void CheckCases(RunConfiguration configuration, DataSet data)
    {
        configuration.LabelledCases(data);
        ValidationCasesOf(configuration, data);
    }

    /// <summary>Trains to the last iteration, or until it is told to stop; then the step is finished and saved.</summary>
    /// <returns>Whether the last iteration was reached.</returns>
    /// <exception cref="BadDataException">A case cannot be used; nothing was trained yet.</exception>
    /// <exception cref="DivergedException">The loss or a weight is no number.</exception>
    public bool Run(ITrainingObserver observer, CancellationToken stop = default)
    {
        try
        {
            _store.Load(
                [.. _method.Cases.Concat(_validationCases).Distinct()], Math.Min(2, Environment.ProcessorCount),
                done => observer.Loading(done, _method.Cases.Count + _validationCases.Count), stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        _run.Begin();
        long iteration = File.Exists(_run.Checkpoint) ? Checkpoint.Load(_run.Checkpoint, _method, _session) : 0;
        using TrainingLog log = TrainingLog.Open(_run.Log, iteration);
        bool validated = Replay();
        using Scope volumes = _session.Scope();
        ResidentCases? resident = ResidentCases.Upload(
            _session, _method.Cases, _store, _session.Device.FreeBytes, observer.Warn);
        using var loader = new BatchLoader(
            _method.Cases, _store, _method.Sampler, new Sampling(_configuration.Patch, _configuration.RotateFlip),
            _configuration.Seed, iteration, resident: resident);
        using var runner = new StepRunner(_session, _method, observer.Warn);
        observer.Started(iteration, _configuration.Iterations);
        _finished = Stopwatch.GetTimestamp();
        while (true)
        {
            if (!validated && IsDue(iteration))
            {
                Settle();
                // Else its memory would come on top of the recorded step's.
                runner.Release();
                validated = Validate(iteration, log, observer, stop);
            }
            bool last = iteration == _configuration.Iterations, ends = last || stop.IsCancellationRequested;
            if (ends || iteration > 0 && iteration % _configuration.CheckpointEvery == 0)
            {
                Settle();
                Save(iteration);
            }
            if (ends) return last && (validated || !IsDue(iteration));
            try
            {
                if (!Start(iteration, runner, loader, stop)) continue;
            }
            catch
            {
                // The step before it may still be under way; if it failed too, what is told is what was met first.
                try
                {
                    Finish(0, log, observer);
                }
                catch (Exception later) when (later is DivergedException or CudaException)
                {
                }
                throw;
            }
            (iteration, validated) = (iteration + 1, false);
            Finish(1, log, observer);
        }

        // Nothing is under way, and what is looked at or kept next is made of numbers.
        void Settle()
        {
            Finish(0, log, observer);
            FiniteWeights.Check(_session, _method, iteration);
        }

        // What the log says of validations up to the checkpoint: the state of the detector, and the best so far.
        bool Replay()
        {
            bool seen = false;
            foreach (ValidationScores scores in TrainingLog.Read(_run.Log).Select(ValidationScores.FromJson).OfType<ValidationScores>())
            {
                _collapse.Observe([.. scores.Cases]);
                _bestDice = Math.Max(_bestDice, scores.Dice);
                seen = scores.Iteration == iteration;
            }
            return seen;
        }
    }

    /// <summary>Starts a step; false if it was stopped while it waited for its batch.</summary>
    bool Start(long iteration, StepRunner runner, BatchLoader loader, CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        using Scope scope = _session.Step();
        try
        {
            using Batch batch = loader.Next(stop);
            double rate = _schedule.At(iteration);
            StepInputs inputs = _method.Inputs(batch, iteration);
            var (values, names) = runner.Run(inputs, iteration, (float)rate);
            _started.Enqueue(new StartedStep(iteration + 1, batch.Cases, rate, began, values, names));
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>
    /// Looks at the steps whose losses are there, and waits until no more than so many are under way: the host prepares
    /// one while the device does another.
    /// </summary>
    /// <exception cref="DivergedException">A loss is no number.</exception>
    void Finish(int underWay, TrainingLog log, ITrainingObserver observer)
    {
        while (_started.TryPeek(out StartedStep? started) && (_started.Count > underWay || started.Values.IsThere))
        {
            _started.Dequeue();
            TrainingStep step = started.Finish(_finished);
            _finished = Stopwatch.GetTimestamp();
            log.Write(step.ToJson());
            observer.Stepped(step);
        }
    }

    bool IsDue(long iteration) => _configuration.Validation is { } validation && iteration > 0
        && (iteration % validation.Every == 0 || iteration == _configuration.Iterations);

    bool Validate(long iteration, TrainingLog log, ITrainingObserver observer, CancellationToken stop)
    {
        ValidationConfiguration settings = _configuration.Validation!;
        var validation = new Validation(
            _session, _method.Network, settings, _configuration.Patch, _validationCases, _store);
        if (validation.Run(iteration, observer, stop) is not { } scores) return false;
        if (settings.On == ValidationCases.Validation && scores.Dice > _bestDice) SaveNetwork(_run.Best, iteration);
        _bestDice = Math.Max(_bestDice, scores.Dice);
        log.Write(scores.ToJson());
        observer.Validated(scores);
        foreach (int c in _collapse.Observe([.. scores.Cases]))
            observer.Warn(
                $"iteration {iteration}: class {c} ({_data.Classes[c]}) has collapsed: nothing of it was predicted in the "
                + "last validations");
        return true;
    }

    void Save(long iteration)
    {
        SaveNetwork(_run.Model, iteration);
        Checkpoint.Save(_run.Checkpoint, _method, _session, iteration);
    }

    void SaveNetwork(string path, long iteration)
    {
        var notes = new Dictionary<string, string>
        {
            ["iteration"] = $"{iteration}",
            ["dataset"] = _data.Name,
            ["classes"] = string.Join(',', _data.Classes),
            ["patch"] = $"{_configuration.Patch}",
            ["normalization"] = _data.Normalization == Datasets.Normalization.ZScore ? "z-score" : "none",
        };
        if (_configuration.Validation is { } validation) notes["stride"] = $"{validation.Stride}";
        if (_data.Orientation is { } orientation) notes["orientation"] = orientation;
        if (_data.Spacing is { } spacing) notes["spacing"] = string.Join('x', spacing);
        _method.Network.Save(path, notes);
    }

    static IReadOnlyList<Case> ValidationCasesOf(RunConfiguration configuration, DataSet data)
    {
        if (configuration.Validation is not { } validation) return [];
        IReadOnlyList<Case> list = validation.On == ValidationCases.Test ? data.Test : data.Validation;
        if (list.Count == 0)
            throw new ArgumentException($"validation.on: {data.Name} ({data.ListPath}) has no {validation.On.ToString().ToLowerInvariant()} cases");
        return data.WithLabels([.. list.Take(validation.Limit ?? list.Count)]);
    }
}
