using Cfr.Pipeline.Configuration;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Training;

/// <summary>
/// The folder of a training run: <c>configuration.json</c> (all settings, defaults included), <c>log.jsonl</c>,
/// <c>checkpoint.safetensors</c> (to go on), <c>model.safetensors</c> (the network after the last checkpoint) and, where
/// there are validation cases, <c>best.safetensors</c>. A run of several trainings has a folder for each, and the last
/// one's network at the top.
/// </summary>
public sealed class RunFolder
{
    readonly string? _settings;

    RunFolder(string path, string? settings = null) => (Root, _settings) = (path, settings);

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Name of the file with all settings.</summary>
    public const string ConfigurationName = "configuration.json";

    /// <summary>All settings.</summary>
    public string Configuration => Path.Combine(Root, ConfigurationName);

    /// <summary>Name of the file with what happened.</summary>
    public const string LogName = "log.jsonl";

    /// <summary>What happened.</summary>
    public string Log => Path.Combine(Root, LogName);

    /// <summary>Name of the file that a run goes on from.</summary>
    public const string CheckpointName = "checkpoint.safetensors";

    /// <summary>What the run goes on from.</summary>
    public string Checkpoint => Path.Combine(Root, CheckpointName);

    /// <summary>The network.</summary>
    public string Model => Path.Combine(Root, "model.safetensors");

    /// <summary>The network with the best validation.</summary>
    public string Best => Path.Combine(Root, "best.safetensors");

    /// <summary>Label maps that the network gave to cases, for another one to learn from.</summary>
    public string Labels => Path.Combine(Root, "labels");

    /// <summary>The folder of a new run. Nothing is written before the run begins.</summary>
    /// <exception cref="ArgumentException">There is something in it already.</exception>
    public static RunFolder Create<T>(string path, T configuration) where T : class
    {
        var run = new RunFolder(path, ConfigurationFile.Write(configuration));
        if (File.Exists(run.Configuration))
            throw new ArgumentException($"{path} holds another run; continue it with --resume, or name another folder");
        if (File.Exists(path) || AtomicFile.HoldsAnything(path))
            throw new ArgumentException($"{path} is there and not empty; expected a new or an empty folder");
        return run;
    }

    /// <summary>A training that is part of a run, in a folder of its own below it: a new one, or one to go on with.</summary>
    /// <exception cref="ArgumentException">It has other settings.</exception>
    internal RunFolder Part<T>(string name, T configuration) where T : RunConfiguration
    {
        var part = new RunFolder(Path.Combine(Root, name), ConfigurationFile.Write(configuration));
        return File.Exists(part.Configuration) ? Open(part.Root, configuration).Run : part;
    }

    /// <summary>The folder of a new run, or of one with these settings to go on with.</summary>
    /// <exception cref="ArgumentException">There is a run with other settings, or something else.</exception>
    public static RunFolder CreateOrOpen<T>(string path, T configuration) where T : RunConfiguration =>
        File.Exists(Path.Combine(path, ConfigurationName)) ? Open(path, configuration).Run : Create(path, configuration);

    /// <summary>Makes the folder of a new run, with its settings.</summary>
    internal void Begin()
    {
        if (_settings is null) return;
        Directory.CreateDirectory(Root);
        AtomicFile.WriteText(Configuration, _settings);
    }

    /// <summary>Opens the folder of a run that is there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="wanted">Settings that the run must have; null for whatever it has.</param>
    /// <exception cref="ArgumentException">There is no run, or one with other settings.</exception>
    public static (RunFolder Run, T Configuration) Open<T>(string path, T? wanted = null) where T : RunConfiguration
    {
        // Files may have moved; everything else decides what the run computes.
        var (run, found) = OpenAny(path, wanted, found => (T)(found.WithPathsOf(wanted!) with { Data = wanted!.Data }));
        return (run, wanted is null ? found : (T)found.WithPathsOf(wanted));
    }

    /// <summary>The same for settings of any kind, some of which may be taken as they are wanted.</summary>
    internal static (RunFolder Run, T Configuration) OpenAny<T>(string path, T? wanted, Func<T, T> adopt) where T : class
    {
        var run = new RunFolder(path);
        if (!File.Exists(run.Configuration))
            throw new ArgumentException($"{path} holds no run to resume: there is no {run.Configuration}");
        var found = ConfigurationFile.Read<T>(run.Configuration);
        IReadOnlyList<string> different = wanted is null ? [] : ConfigurationFile.Differences(adopt(found), wanted);
        if (different.Count > 0)
            throw new ArgumentException(
                $"{path} holds a run with other settings ({string.Join(", ", different)}); it can only be resumed as it is");
        return (run, found);
    }
}
