using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cfr.Pipeline.Report;

/// <summary>What <c>manifest.json</c> says of a run; what it does not say is null or empty.</summary>
public sealed record RunManifest
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
    };

    /// <summary>Name of the run.</summary>
    public string? Name { get; init; }

    /// <summary>Version of CFR that ran.</summary>
    public string? Version { get; init; }

    /// <summary>Commit that it was built from.</summary>
    public string? Commit { get; init; }

    /// <summary>The command that began the run.</summary>
    public string? Command { get; init; }

    /// <summary>Seed of everything random.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Where the numbers were computed.</summary>
    public string? Device { get; init; }

    /// <summary>Version of its driver; null for the processor.</summary>
    public string? Driver { get; init; }

    /// <summary>When the run began, as it was written.</summary>
    public string? Started { get; init; }

    /// <summary>When the last stage ended.</summary>
    public string? Finished { get; init; }

    /// <summary>What it ran on.</summary>
    public RunDataset Dataset { get; init; } = new();

    /// <summary>Weights that it began with, by name: <c>sam</c>.</summary>
    public IReadOnlyDictionary<string, RunWeights>? Weights { get; init; }

    /// <summary>What was done, in order.</summary>
    public IReadOnlyList<RunStage>? Stages { get; init; }

    /// <summary>Whether one of these stages was done; true if it does not say what was done.</summary>
    internal bool Has(params string[] stages) =>
        Stages is not { Count: > 0 } done || done.Any(stage => stages.Contains(stage.Name));

    /// <summary>Reads it.</summary>
    /// <exception cref="BadDataException">It is not there, or no manifest: the file, the line, the fault.</exception>
    public static RunManifest Read(string path)
    {
        if (!File.Exists(path)) throw new BadDataException($"{path}: no such file; expected the folder of a run, which has one");
        try
        {
            RunManifest? found = JsonSerializer.Deserialize<RunManifest>(File.ReadAllText(path), Options);
            return found ?? throw new BadDataException($"{path}: holds null; expected an object");
        }
        catch (JsonException fault)
        {
            throw DamagedJson.In(path, fault);
        }
    }
}

/// <summary>The data set of a run.</summary>
public sealed record RunDataset
{
    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Its folder or list.</summary>
    public string? Path { get; init; }

    /// <summary>Hash of its files.</summary>
    public string? Hash { get; init; }

    /// <summary>Training cases whose labels were used.</summary>
    public int Labelled { get; init; }

    /// <summary>Training cases whose labels were hidden.</summary>
    public int Unlabelled { get; init; }

    /// <summary>Test cases.</summary>
    public int Test { get; init; }

    /// <summary>Names of the classes, the background first.</summary>
    public IReadOnlyList<string>? Classes { get; init; }
}

/// <summary>A file of weights.</summary>
public sealed record RunWeights(string? Path, string? Hash);

/// <summary>A stage of a run.</summary>
/// <param name="Name">As in <c>fine-tune</c>.</param>
/// <param name="Seconds">Time that it took.</param>
/// <param name="PeakMemoryBytes">The most memory that it held; 0 if that was not measured.</param>
/// <param name="Skipped">True if its results were there already.</param>
public sealed record RunStage(string Name, double Seconds = 0, long PeakMemoryBytes = 0, bool Skipped = false);
