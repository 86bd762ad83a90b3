using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Training;

/// <summary>
/// <c>log.jsonl</c>: a JSON object a line, with the key <c>iteration</c> first; written as it happens.
/// </summary>
sealed class TrainingLog : IDisposable
{
    readonly StreamWriter _writer;

    TrainingLog(string path) => _writer = new StreamWriter(
        new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
    { AutoFlush = true };

    /// <summary>Opens a log to append to; lines after an iteration, and a line cut short, are dropped first.</summary>
    public static TrainingLog Open(string path, long iteration)
    {
        if (File.Exists(path))
        {
            string[] kept = [.. Read(path).Where(line => (long)line["iteration"]! <= iteration).Select(Text)];
            AtomicFile.Write(path, stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                foreach (string line in kept) writer.Write(line + "\n");
            });
        }
        return new TrainingLog(path);
    }

    /// <summary>The lines of a log. A last line cut short by a crash is left out.</summary>
    public static IEnumerable<JsonObject> Read(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            JsonObject? entry;
            try
            {
                entry = JsonNode.Parse(line) as JsonObject;
            }
            catch (JsonException)
            {
                yield break;
            }
            if (entry?["iteration"] is null) yield break;
            yield return entry;
        }
    }

    /// <summary>Appends a line.</summary>
    public void Write(JsonObject entry) => _writer.Write(Text(entry) + "\n");

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    static string Text(JsonObject entry) => entry.ToJsonString();
}
