using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// What stands in <c>manifest.json</c>: what was run, by which program, on which device, with which data and weights, and what each stage
/// took. It is brought up to date after every stage.
/// </summary>
sealed class Manifest(StageContext context, string command)
{
    static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    readonly JsonObject _document = [];
    readonly JsonArray _stages = [];

    /// <summary>Writes what is known before the first stage.</summary>
    public void Begin()
    {
        ExperimentConfiguration experiment = context.Experiment;
        var (version, commit) = Program();
        _document["name"] = experiment.Name;
        _document["version"] = version;
        _document["commit"] = commit;
        _document["command"] = command;
        _document["seed"] = experiment.Seed;
        (_document["device"], _document["driver"]) = DeviceAndDriver();
        _document["started"] = Before("started") ?? Now();
        _document["finished"] = Before("finished");
        _document["dataset"] = null;
        _document["weights"] = new JsonObject();
        _document["stages"] = _stages;
        Write();
    }

    /// <summary>Adds a stage that is complete.</summary>
    public void Add(StageRecord stage, bool skipped)
    {
        _stages.Add(new JsonObject
        {
            ["name"] = stage.Name,
            ["seconds"] = stage.Seconds,
            ["peakMemoryBytes"] = stage.PeakMemoryBytes,
            ["skipped"] = skipped,
            ["device"] = stage.Device,
            ["inputs"] = stage.Inputs,
            ["outputs"] = new JsonArray([.. stage.Outputs.Keys.Order(StringComparer.Ordinal).Select(path => (JsonNode)path)]),
        });
        _document["dataset"] = Dataset();
        if (context.Experiment.FineTuning is { Sam.Weights: { } sam } && _document["weights"]!["sam"] is null)
            _document["weights"]!["sam"] = new JsonObject { ["path"] = sam, ["hash"] = context.SamHash };
        if (!skipped) _document["finished"] = Now();
        Write();
    }

    JsonObject Dataset() => new()
    {
        ["name"] = context.Data.Name + (context.IsPart ? " (part)" : ""),
        ["path"] = Path.GetFullPath(context.Data.ListPath),
        ["hash"] = Fingerprint.Of([context.LabelledHash, context.UnlabelledHash, context.TestHash]),
        ["labelled"] = context.Labelled.Count,
        ["unlabelled"] = context.Unlabelled.Count,
        ["test"] = context.Data.Test.Count,
        ["classes"] = new JsonArray([.. context.Data.Classes.Select(name => (JsonNode)name)]),
    };

    (string Device, string? Driver) DeviceAndDriver()
    {
        using Device device = context.OpenDevice();
        return ($"{device.Name}: {device.Description}", device.Underlying is CudaDevice gpu ? $"CUDA {gpu.DriverVersion}" : null);
    }

    /// <summary>What an earlier run in this folder has written.</summary>
    string? Before(string key)
    {
        try
        {
            return File.Exists(context.Folder.Manifest)
                ? (string?)JsonNode.Parse(File.ReadAllText(context.Folder.Manifest))?[key] : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    void Write() => AtomicFile.WriteText(context.Folder.Manifest, _document.ToJsonString(Indented) + "\n");

    static string Now() => DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss zzz", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Version and commit of the program, as the compiler has noted them.</summary>
    static (string Version, string? Commit) Program()
    {
        string text = typeof(Manifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        int plus = text.IndexOf('+');
        return plus < 0 ? (text, null) : (text[..plus], text[(plus + 1)..]);
    }
}
