using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Kernels;
using Cfr.Pipeline.Configuration;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// Runs an experiment in its folder. A stage whose results are there, and were made of the same settings, data and weights, is
/// left out; one that was interrupted goes on. So the same command, given again, does what is still to do and nothing else,
/// and ends with the same bits as if it had never been interrupted.
/// </summary>
public sealed class ExperimentRun
{
    readonly StageContext _context;
    readonly Manifest _manifest;
    string? _arithmetic;

    /// <summary>An experiment and its folder.</summary>
    /// <param name="experiment">The settings.</param>
    /// <param name="folder">A new folder, or one of this experiment, perhaps with other settings.</param>
    /// <param name="openDevice">Where to compute; called once a stage.</param>
    /// <param name="command">How to do it again, for the manifest.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="stop">Ends the run after what cannot be interrupted.</param>
    public ExperimentRun(
        ExperimentConfiguration experiment, ExperimentFolder folder, Func<Device> openDevice, string command,
        IExperimentObserver observer, CancellationToken stop = default)
    {
        _context = new StageContext(experiment, folder, openDevice, observer, stop);
        _manifest = new Manifest(_context, command);
        Stages = ExperimentStages.Of(_context);
    }

    internal IReadOnlyList<Stage> Stages { get; }

    /// <summary>Whether data, checkpoint and settings fit each other, as far as can be known before any work.</summary>
    /// <param name="needsCheckpoint">Whether SAM's checkpoint must be there; a plan can do without.</param>
    /// <exception cref="ArgumentException">They do not.</exception>
    /// <exception cref="BadDataException">A file cannot be used.</exception>
    public void Check(bool needsCheckpoint = true) => ExperimentStages.Check(_context, needsCheckpoint);

    /// <summary>Does all that is to do.</summary>
    /// <returns>Whether the end was reached; otherwise it was stopped.</returns>
    /// <exception cref="ArgumentException">The folder holds something else.</exception>
    /// <exception cref="BadDataException">A file cannot be used.</exception>
    public bool Run()
    {
        using FileStream alone = Begin();
        for (int i = 0; i < Stages.Count; i++)
        {
            if (_context.Stop.IsCancellationRequested) return false;
            try
            {
                Run(Stages[i], i + 1);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
        return true;
    }

    internal CancellationToken Stop => _context.Stop;

    /// <summary>The same of any stage: one that is made of what is not there yet is to do.</summary>
    internal StageState PlannedStateOf(Stage stage)
    {
        try
        {
            return StateOf(stage);
        }
        catch (Exception error) when (error is KeyNotFoundException or IOException or ArgumentException { ParamName: "path" })
        {
            return StageState.ToDo;
        }
    }

    /// <summary>What there is of a stage whose predecessors are complete; notes it if it is complete, too.</summary>
    internal StageState StateOf(Stage stage)
    {
        StageRecord? record = StageRecord.Read(_context.Folder.Record(stage.Name));
        if (record is null || record.Inputs != Fingerprint.Of(stage.Inputs)) return StageState.ToDo;
        if (!record.Complete) return StageState.Begun;
        if (!record.IsIntact(_context.Folder.Root)) return StageState.ToDo;
        _context.Completed(record);
        return StageState.Done;
    }

    /// <summary>Opens the folder, or makes it; until the result is disposed no other run can.</summary>
    FileStream Begin()
    {
        ExperimentFolder folder = _context.Folder;
        bool isOther = Directory.Exists(folder.Root) && !File.Exists(folder.Experiment)
            && Directory.EnumerateFileSystemEntries(folder.Root).Any(entry => !AtomicFile.IsLeftover(entry) && entry != folder.Lock);
        if (isOther || File.Exists(folder.Root))
            throw new ArgumentException(
                $"{folder.Root} is there and holds no experiment; expected a new folder, or one of an experiment");
        if (NameIn(folder) is { } other && other != _context.Experiment.Name)
            throw new ArgumentException(
                $"{folder.Root} holds the experiment {other}, this is {_context.Experiment.Name}; take another folder");
        Directory.CreateDirectory(folder.Root);
        FileStream alone = Lock(folder);
        AtomicFile.DeleteLeftovers(folder.Root);
        AtomicFile.WriteText(folder.Experiment, ConfigurationFile.Write(_context.Experiment));
        _manifest.Begin();
        _arithmetic = _context.Arithmetic;
        return alone;
    }

    static FileStream Lock(ExperimentFolder folder)
    {
        try
        {
            return new FileStream(folder.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException error) when (File.Exists(folder.Lock))
        {
            throw new ArgumentException($"{folder.Root}: another run is at work there", error);
        }
    }

    /// <summary>The name of the experiment whose folder it is.</summary>
    static string? NameIn(ExperimentFolder folder)
    {
        try
        {
            return File.Exists(folder.Experiment)
                ? (string?)JsonNode.Parse(File.ReadAllText(folder.Experiment))?["name"] : null;
        }
        catch (JsonException error)
        {
            throw new BadDataException($"{folder.Experiment}: {error.Message}", error);
        }
    }

    void Run(Stage stage, int number)
    {
        string path = _context.Folder.Record(stage.Name), inputs = Fingerprint.Of(stage.Inputs);
        StageState state = StateOf(stage);
        if (state == StageState.Done)
        {
            StageRecord kept = StageRecord.Read(path)!;
            _manifest.Add(kept, skipped: true);
            _context.Observer.Skipped(stage.Name, number, Stages.Count);
            if (kept.Device is { } device && device != _arithmetic)
                _context.Observer.Warn($"{stage.Name} is kept as it was computed, on {device}; this run computes on {_arithmetic}");
            return;
        }
        // A stage without a record begins anew, so it loses that before anything else.
        double before = state == StageState.Begun ? StageRecord.Read(path)!.Seconds : 0;
        if (state == StageState.ToDo)
        {
            if (File.Exists(path)) File.Delete(path);
            stage.Clear();
        }
        _context.Observer.Began(stage.Name, number, Stages.Count);
        var begun = new StageRecord(stage.Name, inputs, Complete: false, before, 0, new Dictionary<string, string>());
        begun.Write(path);
        long began = Stopwatch.GetTimestamp();
        using var memory = new MemoryWatch();
        string? result;
        _context.Arithmetic = null;
        try
        {
            result = stage.Run();
        }
        catch (OperationCanceledException)
        {
            (begun with { Seconds = before + Stopwatch.GetElapsedTime(began).TotalSeconds }).Write(path);
            throw;
        }
        TimeSpan time = Stopwatch.GetElapsedTime(began);
        var record = new StageRecord(
            stage.Name, inputs, Complete: true, Math.Round(before + time.TotalSeconds, 2), memory.Peak,
            stage.Outputs.ToDictionary(output => Path.GetRelativePath(_context.Folder.Root, output), Fingerprint.OfFile),
            _context.Arithmetic);
        record.Write(path);
        _context.Completed(record);
        _manifest.Add(record, skipped: false);
        _context.Observer.Ended(stage.Name, time, result);
    }
}
