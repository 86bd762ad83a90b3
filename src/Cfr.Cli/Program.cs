using System.CommandLine;
using Cfr.Cli;
using Cfr.Cli.Commands;
using Cfr.Kernels;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Pipeline;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.Tensors.Files;

try
{
    ParseResult parsed = CommandLine().Parse(ProfileCommand.Separate(args));
    int code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("cfr: stopped");
    return ExitCode.Failed;
}
catch (Exception error) when (Explain(error) is { } code)
{
    Console.Error.WriteLine($"cfr: {error.Message}");
    return code;
}

// What a user can mend is one line; anything else is a fault of ours and keeps its stack trace.
static int? Explain(Exception error) => error switch
{
    ArgumentException => ExitCode.Usage,
    BadDataException or WeightFileException or WeightMismatchException => ExitCode.BadData,
    FileNotFoundException or DirectoryNotFoundException => ExitCode.BadData,
    DeviceException or CudaException or KernelException => ExitCode.Failed,
    IOException or UnauthorizedAccessException or OutOfMemoryException or DivergedException => ExitCode.Failed,
    _ => null,
};

/// <summary>The entry.</summary>
static partial class Program
{
    /// <summary>All commands by groups, in the order of a user's work, each with an example.</summary>
    /// <param name="watch">Wraps each device that a command opens.</param>
    internal static CfrCommand CommandLine(Func<Device, Device>? watch = null) => Help.Root(
        "CFR: a tensor engine in C#, and segmentation of 3D medical images on it.",
        watch,
        new("Begin here",
            (DemoCommand.Create(), "cfr demo"),
            (DoctorCommand.Create(), "cfr doctor")),
        new("Data",
            (PrepareCommand.Create(), "cfr prepare phantom --out data/phantom --cases 12"),
            (CheckCommand.Create(), "cfr check data/phantom"),
            (InspectCommand.Create(), "cfr inspect data/phantom/images/phantom0000.nii.gz")),
        new("An experiment, or one stage of it after the other",
            (RunCommand.Create(), "cfr run configs/la-small.json --data LA"),
            (FinetuneCommand.Create(), "cfr finetune configs/la-small-finetune.json --data LA --out runs/sam"),
            (PseudolabelCommand.Create(), "cfr pseudolabel --model runs/sam/model.safetensors --data LA --labelled 2 --out pseudolabels"),
            (TrainCommand.Create(), "cfr train configs/phantom-vnet-small.json --data data/phantom --out runs/first"),
            (PredictCommand.Create(), "cfr predict data/phantom/images --model runs/first/model.safetensors --out predictions"),
            (EvaluateCommand.Create(), "cfr evaluate --predictions predictions --data data/phantom"),
            (ReportCommand.Create(), "cfr report runs/la-small")),
        new("SAM",
            (ConcatCommand.Create(), "cfr concat scan.nii.gz --out mosaic.png"),
            (SegmentCommand.Create(), "cfr segment photo.jpg --points 320,240 --model sam_vit_b_01ec64.pth --out mask.png")),
        new("This machine",
            (DevicesCommand.Create(), "cfr devices --json"),
            (CompletionCommand.Create(), "cfr completion bash > ~/.local/share/bash-completion/completions/cfr")),
        new("For those who work on CFR",
            (ParityCommand.Create(), "cfr parity tests/Golden/ssl/vnet_nf4_c2.safetensors"),
            (PretrainCommand.Create(), "cfr pretrain configs/sam-small-pretraining.json --out runs/sam-small"),
            (ProfileCommand.Create(), "cfr profile train configs/phantom-vnet-small.json --data data/phantom --out runs/profiled --set iterations=20"),
            (KernelsCommand.Create(), "cfr kernels --ptx matmul_naive --target sm_90")));
}
