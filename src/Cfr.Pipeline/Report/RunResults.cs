using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Report;

/// <summary>A mosaic of a case as SAM sees it.</summary>
/// <param name="Case">Its name.</param>
/// <param name="Image">PNG file of the slices.</param>
/// <param name="Label">PNG file with the label or pseudo-label over them; null without.</param>
public sealed record Mosaic(string Case, string Image, string? Label);

/// <summary>Everything that the folder of a run holds for people to look at. Any part but the manifest may be missing.</summary>
public sealed record RunResults
{
    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>What was run, on what, and how long it took.</summary>
    public required RunManifest Manifest { get; init; }

    /// <summary>All settings.</summary>
    public JsonObject? Experiment { get; init; }

    /// <summary>How the fine-tuning of SAM went.</summary>
    public LearningCurve? FineTuning { get; init; }

    /// <summary>Methods in the order in which they are shown.</summary>
    public IReadOnlyList<MethodResults> Methods { get; init; } = [];

    /// <summary>Pseudo-labels against the truth, where that is known.</summary>
    public StoredScores? PseudoLabels { get; init; }

    /// <summary>Mosaics by the names of their cases.</summary>
    public IReadOnlyList<Mosaic> Mosaics { get; init; } = [];

    /// <summary>The data set; null if it is not where it was.</summary>
    public DataSet? Data { get; init; }

    /// <summary>Why there is no data set.</summary>
    public string? DataProblem { get; init; }

    /// <summary>Reads the folder of a run; volumes are not read.</summary>
    /// <exception cref="BadDataException">There is no manifest, or a file is damaged: the file, the line, the fault.</exception>
    public static RunResults Read(string folder)
    {
        if (!Directory.Exists(folder)) throw new BadDataException($"{folder}: no such folder; expected the folder of a run");
        var at = new ExperimentFolder(folder);
        RunManifest manifest = RunManifest.Read(at.Manifest);
        var (data, problem) = Open(folder, manifest.Dataset.Path);
        return new RunResults
        {
            Folder = folder,
            Manifest = manifest,
            Experiment = ReadObject(at.Experiment),
            FineTuning = manifest.Has(FineTuneStage.StageName) ? Curve(Path.Combine(at.FineTuning, RunFolder.LogName)) : null,
            Methods = [.. Ids(at).Where(id => manifest.Has(RetrainStage.StageName(id), PredictStage.StageName(id))).Select(MethodName.Of)
                .OrderBy(name => name.Role).ThenBy(name => name.Id, StringComparer.Ordinal)
                .Select(name => new MethodResults(
                    name, Curve(Path.Combine(at.Retraining(name.Id), RunFolder.LogName)), Scores(at.Scores(name.Id)),
                    Directory.Exists(at.Predictions(name.Id)) ? at.Predictions(name.Id) : null))],
            PseudoLabels = !manifest.Has(PseudoLabelStage.StageName) ? null : Scores(at.PseudoLabelScores),
            Mosaics = [.. FindMosaics(at.Mosaics)],
            Data = data,
            DataProblem = problem,
        };
    }

    static IEnumerable<string> Ids(ExperimentFolder at) =>
        Names(at.Retrainings, Directory.GetDirectories)
            .Concat(Names(at.AllPredictions, Directory.GetDirectories))
            .Concat(Names(at.AllScores, path => Directory.GetFiles(path, "*.json"))
                .Select(Path.GetFileNameWithoutExtension))
            .Distinct().OfType<string>();

    static IEnumerable<string?> Names(string folder, Func<string, string[]> list) =>
        Directory.Exists(folder) ? list(folder).Select(Path.GetFileName) : [];

    static IEnumerable<Mosaic> FindMosaics(string folder)
    {
        const string Extension = ".png", Suffix = "-label.png";
        if (!Directory.Exists(folder)) yield break;
        foreach (string image in Directory.GetFiles(folder, $"*{Extension}").Order(StringComparer.Ordinal))
        {
            if (image.EndsWith(Suffix)) continue;
            string label = image[..^Extension.Length] + Suffix;
            yield return new Mosaic(Path.GetFileNameWithoutExtension(image), image, File.Exists(label) ? label : null);
        }
    }

    static LearningCurve? Curve(string path) => File.Exists(path) ? LearningCurve.Read(path) : null;

    static StoredScores? Scores(string path) => File.Exists(path) ? ScoreFile.Read(path) : null;

    static JsonObject? ReadObject(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject
                ?? throw new BadDataException($"{path}: found no JSON object; expected settings in braces");
        }
        catch (JsonException fault)
        {
            throw DamagedJson.In(path, fault);
        }
    }

    /// <summary>The data set, whose path may be meant from the run's folder.</summary>
    static (DataSet?, string?) Open(string folder, string? path)
    {
        if (path is null) return (null, "the manifest names no data set");
        string[] places = [path, Path.Combine(folder, path)];
        try
        {
            return (DataSetFile.Open(places.FirstOrDefault(Path.Exists) ?? path), null);
        }
        catch (Exception fault) when (fault is BadDataException or IOException)
        {
            return (null, fault.Message);
        }
    }
}
