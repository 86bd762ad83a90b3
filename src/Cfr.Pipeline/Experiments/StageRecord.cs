using System.Text.Json;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Experiments;

/// <summary>What is known of a stage that was begun.</summary>
/// <param name="Name">The stage.</param>
/// <param name="Inputs">Hash of all that it is made of.</param>
/// <param name="Complete">Whether it came to its end.</param>
/// <param name="Seconds">How long it took, in all runs that were not killed.</param>
/// <param name="PeakMemoryBytes">The most memory that the program had meanwhile.</param>
/// <param name="Outputs">SHA-256 of its files, by their paths from the experiment's folder.</param>
/// <param name="Device">The kind of device and the precision that it was computed in; null where it needed none.</param>
sealed record StageRecord(
    string Name, string Inputs, bool Complete, double Seconds, long PeakMemoryBytes, IReadOnlyDictionary<string, string> Outputs,
    string? Device = null)
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };

    /// <summary>One hash of all outputs.</summary>
    public string Fingerprint => Experiments.Fingerprint.Of(Outputs.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => new[] { file.Key, file.Value }));

    /// <summary>Reads a record; a missing or damaged one is none, and its stage runs again.</summary>
    public static StageRecord? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<StageRecord>(File.ReadAllBytes(path), Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(this, Options);
        AtomicFile.Write(path, file => file.Write(bytes));
    }

    /// <summary>Whether all outputs are there with the bytes that they had.</summary>
    public bool IsIntact(string root) => Outputs.All(file =>
        Path.Combine(root, file.Key) is var path && File.Exists(path) && Experiments.Fingerprint.OfFile(path) == file.Value);
}
