using System.CommandLine;
using System.Diagnostics;
using Cfr.Kernels;
using Cfr.Pipeline;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using Normalization = Cfr.Pipeline.Datasets.Normalization;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr predict</c>: segments scans with a trained network.</summary>
static class PredictCommand
{
    static readonly Argument<string[]> Inputs = new("INPUT")
    {
        Description = "Scans (NIfTI, NRRD, HDF5), or folders of scans.",
        Arity = ArgumentArity.OneOrMore,
    };

    static readonly Option<string> Model = new("--model")
    {
        Description = "The network: a .safetensors file, a .pth checkpoint of the published programs, or a fine-tuned SAM.",
        Required = true,
    };

    static readonly Option<string?> Sam = new("--sam")
    {
        Description = "The checkpoint that a fine-tuned SAM was made from, if that is no longer where it was.",
    };

    static readonly Option<string> Out = new("--out") { Description = "Folder for CASE.nii.gz.", Required = true };

    static readonly Option<GridSize?> Patch = CommonOptions.Size("--patch", "Size of a window; default: as trained.");

    static readonly Option<GridSize?> Stride = CommonOptions.Size("--stride", "From one window to the next; default: as validated, or as published.");

    static readonly Option<bool> Gaussian = new("--gaussian") { Description = "Let voxels near a window's centre count more." };

    static readonly Option<int[]> Mirror = new("--mirror")
    {
        Description = "Average over windows mirrored along these axes, such as 0,1: 2^n times the work.",
        CustomParser = result =>
        {
            string[] words = [.. result.Tokens.SelectMany(token => token.Value.Split(','))];
            if (words.Any(word => word is not ("0" or "1" or "2")) || words.Distinct().Count() < words.Length)
                result.AddError($"--mirror is {string.Join(',', words)}; expected some of 0, 1, 2, each once");
            return [.. words.Select(word => int.TryParse(word, out int axis) ? axis : 0)];
        },
    };

    static readonly Option<int> Batch = new("--batch")
    {
        Description = "Windows that the network sees at once.",
        DefaultValueFactory = _ => 1,
    };

    static readonly Option<string?> Normalize = new Option<string?>("--normalize")
    {
        Description = "What to do to intensities; default: as trained.",
    }.AcceptOnlyFromAmong("z-score", "none");

    static readonly Option<bool> LargestComponent = new("--largest-component")
    {
        Description = "Keep only the largest connected part of each class.",
    };

    static readonly Option<bool> Probabilities = new("--probabilities")
    {
        Description = "Write the probabilities of all classes, too: OUT/probabilities/CASE.nii.gz, one volume a class.",
    };

    public static Command Create()
    {
        var command = new Command("predict", "Segments scans with a trained network, by overlapping windows.")
        {
            Inputs, Model, Sam, Out, Patch, Stride, Gaussian, Mirror, Batch, Normalize, LargestComponent, Probabilities,
            CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var inputs = CaseFiles.Find(arguments.GetValue(Inputs)!);
        string model = arguments.GetValue(Model)!, folder = arguments.GetValue(Out)!;
        bool isJson = arguments.GetValue(CommonOptions.Json);
        NetworkNotes notes = NetworkNotes.Read(model);
        SegmentationSettings settings = Settings(arguments, notes);
        foreach (var (name, path) in inputs) CheckInput(name, path, folder, notes);

        using Device device = CommonOptions.OpenDevice(arguments);
        var segmentation = new Segmentation(VolumeNetworkFile.Load(new Session(device), model, arguments.GetValue(Sam)), settings);
        var results = new List<object>();
        using var interruption = new Interruption();
        foreach (var (name, path) in inputs)
        {
            interruption.Token.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            SegmentedScan scan = WorkProgress.Show(name, told => segmentation.Run(name, path, folder, told));
            double seconds = clock.Elapsed.TotalSeconds;
            if (isJson) results.Add(new { Case = scan, Seconds = seconds });
            else Print(scan, notes, seconds);
        }
        if (isJson) JsonOutput.Print(new { Model = model, Device = device.Name, Cases = results });
        return ExitCode.Done;
    }

    static SegmentationSettings Settings(ParseResult arguments, NetworkNotes notes)
    {
        string model = arguments.GetValue(Model)!;
        if (arguments.GetValue(Patch) is { } given) notes = notes with { Patch = given };
        if (arguments.GetValue(Stride) is { } stride) notes = notes with { Stride = stride };
        SegmentationSettings settings = VolumeNetworkFile.Settings(model, notes);
        GridSize patch = settings.Windows.Patch;
        int multiple = VolumeNetworkFile.Multiple(model);
        if (patch.X % multiple + patch.Y % multiple + patch.Z % multiple != 0)
            throw new ArgumentException($"--patch is {patch}; expected multiples of {multiple}");
        return settings with
        {
            Windows = settings.Windows with
            {
                Gaussian = arguments.GetValue(Gaussian),
                MirrorAxes = arguments.GetValue(Mirror) ?? [],
                Batch = arguments.GetValue(Batch),
            },
            Normalization = arguments.GetValue(Normalize) switch
            {
                "z-score" => Normalization.ZScore,
                "none" => Normalization.None,
                _ => settings.Normalization,
            },
            LargestComponent = arguments.GetValue(LargestComponent),
            Probabilities = arguments.GetValue(Probabilities),
        };
    }

    /// <summary>What can be known to be wrong before the first scan is segmented.</summary>
    static void CheckInput(string name, string path, string folder, NetworkNotes notes)
    {
        Geometry geometry = VolumeFile.ReadHeader(path).Geometry;
        string result = Path.GetFullPath(Path.Combine(folder, $"{name}.nii.gz"));
        if (result == Path.GetFullPath(path))
            throw new ArgumentException($"--out {folder}: the result would overwrite its scan {path}");
        if (OrientationWarning.For(path, geometry, notes.Orientation is { } trained ? [trained] : []) is { } warning)
            ErrorStream.Warn(warning);
    }

    static void Print(SegmentedScan scan, NetworkNotes notes, double seconds)
    {
        string classes = string.Join(", ", scan.Voxels.Skip(1).Select((count, i) =>
            $"{(i + 1 < notes.Classes.Count ? notes.Classes[i + 1] : $"class {i + 1}")} {count:N0} voxels"));
        Console.WriteLine($"{scan.LabelPath}: {scan.Size}, {scan.Windows} windows, {seconds:F1} s; {classes}");
    }
}
