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

var root = new RootCommand("CFR: a tensor engine in C#, and segmentation of 3D medical images on it.")
{
    CheckCommand.Create(),
    DemoCommand.Create(),
    DevicesCommand.Create(),
    EvaluateCommand.Create(),
    InspectCommand.Create(),
    KernelsCommand.Create(),
    ParityCommand.Create(),
    PredictCommand.Create(),
    PrepareCommand.Create(),
    PretrainCommand.Create(),
    SegmentCommand.Create(),
    TrainCommand.Create(),
};
try
{
    ParseResult parsed = root.Parse(args);
    int code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
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
    IOException or UnauthorizedAccessException or OutOfMemoryException or DivergedException
        or OperationCanceledException => ExitCode.Failed,
    _ => null,
};
