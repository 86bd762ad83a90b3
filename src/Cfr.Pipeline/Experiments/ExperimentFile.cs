using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.FineTuning;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// Reads an experiment: JSON with comments. <c>labelled</c>, <c>normalization</c>, <c>patch</c> and <c>seed</c> at the top hold for
/// all parts, <c>training</c> holds for all methods; what a part says itself goes before. A row without <c>method</c> is
/// trained by the method of its name, with or without <c>cfr-</c> in front.
/// </summary>
public static class ExperimentFile
{
    const string Training = "training", Methods = "methods", FineTuning = "fineTuning", Method = "method";

    /// <summary>How the names of rows with pseudo-labels begin.</summary>
    internal const string WithSam = "cfr-";

    static readonly string[] ForAllParts = ["labelled", "normalization", "patch", "seed"];
    static readonly string[] InPartsAlone = ["normalization", "patch"];

    /// <summary>The experiment of <c>cfr demo</c>.</summary>
    public static ExperimentConfiguration Demo()
    {
        const string name = "demo.json";
        using Stream stream = typeof(ExperimentFile).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return Parse(name, reader.ReadToEnd());
    }

    /// <summary>Reads and checks an experiment; paths in it become absolute, from its folder.</summary>
    /// <param name="path">The file.</param>
    /// <param name="changes">Settings to put in the place of the file's: <c>key=value</c>.</param>
    /// <exception cref="BadDataException">The file is no experiment; the message has the line.</exception>
    /// <exception cref="ArgumentException">A setting makes no sense.</exception>
    public static ExperimentConfiguration Read(string path, IEnumerable<string>? changes = null)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        ExperimentConfiguration read = Parse(path, File.ReadAllText(path), changes);
        return read with
        {
            Data = read.Data is { } data ? Path.GetFullPath(data, folder) : null,
            Prepare = read.Prepare is { From: { } from } prepare ? prepare with { From = Path.GetFullPath(from, folder) } : read.Prepare,
            FineTuning = read.FineTuning is { } tuning ? tuning with { Sam = tuning.Sam.From(folder) } : null,
        };
    }

    /// <summary>Reads an experiment from a text; <paramref name="source"/> names it in messages.</summary>
    /// <inheritdoc cref="Read"/>
    public static ExperimentConfiguration Parse(string source, string text, IEnumerable<string>? changes = null)
    {
        JsonObject root;
        KeyLines lines;
        try
        {
            root = ConfigurationFile.Object(source, text);
            lines = KeyLines.Of(text);
        }
        catch (JsonException error)
        {
            throw new BadDataException($"{source}: line {error.LineNumber + 1}: {error.Message.Split(" LineNumber:")[0]}", error);
        }
        foreach (string change in changes ?? []) ConfigurationFile.Change(root, change, lines);

        root.Remove("$schema");
        var shared = new JsonObject();
        foreach (string key in ForAllParts)
            if (root[key] is { } value) shared[key] = value.DeepClone();
        foreach (string key in InPartsAlone) root.Remove(key);
        JsonObject training = Part(Training) ?? [];
        root.Remove(Training);
        if (Part(FineTuning) is { } tuning)
        {
            root[FineTuning] = Merged(shared, tuning);
            lines.CopiedTo($"{FineTuning}.", "");
        }
        if (Part(Methods) is { } methods)
        {
            foreach (string name in methods.Select(entry => entry.Key).ToArray())
            {
                if (methods[name] is null)
                {
                    methods.Remove(name);
                    continue;
                }
                if (methods[name] is not JsonObject own)
                    throw new BadDataException($"{source}: {lines.At($"{Methods}.{name}")}{Methods}.{name}: expected an object, in braces");
                JsonObject row = Merged(Merged(shared, training), own);
                if (row[Method] is null) row[Method] = name.StartsWith(WithSam, StringComparison.Ordinal) ? name[WithSam.Length..] : name;
                methods[name] = row;
                lines.CopiedTo($"{Methods}.{name}.", $"{Training}.");
                lines.CopiedTo($"{Methods}.{name}.", "");
                lines.CopiedTo($"{Methods}.{name}.{Method}", $"{Methods}.{name}");
            }
        }
        var read = ConfigurationFile.Settings<ExperimentConfiguration>(source, root, lines, taken: [Training, .. InPartsAlone]);
        read.Check();
        return read;

        JsonObject? Part(string key) => root[key] switch
        {
            null => null,
            JsonObject part => part,
            _ => throw new BadDataException($"{source}: {lines.At(key)}{key}: expected an object, in braces"),
        };
    }

    /// <summary>The first, with what the second says in its place, object by object.</summary>
    static JsonObject Merged(JsonObject first, JsonObject second)
    {
        var merged = (JsonObject)first.DeepClone();
        foreach (var (key, value) in second)
            merged[key] = merged[key] is JsonObject a && value is JsonObject b ? Merged(a, b) : value?.DeepClone();
        return merged;
    }
}
