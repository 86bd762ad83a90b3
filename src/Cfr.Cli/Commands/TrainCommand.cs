using System.CommandLine;
using System.Runtime.InteropServices;
using Cfr.Cli.Training;
using Cfr.Kernels;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr train</c>: trains a network as a configuration says, or goes on with a run.</summary>
static class TrainCommand
{
    static readonly Argument<FileInfo?> Settings = new("configuration")
    {
        Description = "The settings, JSON with comments; may be left out with --resume.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<string> Out = new("--out") { Description = "Folder of the run.", Required = true };

    static readonly Option<string?> Data = new("--data")
    {
        Description = "Folder of the data set; overrides the configuration's.",
    };

    static readonly Option<bool> Resume = new("--resume") { Description = "Go on with the run in --out." };

    static readonly Option<string[]> Set = new("--set")
    {
        Description = "Change a setting: KEY=VALUE, as in sgd.learningRate=0.1; may be repeated.",
    };

    public static Command Create()
    {
        var command = new Command("train", "Trains a network as a configuration says, or goes on with a run.")
        {
            Settings, Out, Data, Resume, Set, CommonOptions.Device, CommonOptions.Seed, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(Out)!;
        bool resume = arguments.GetValue(Resume);
        TrainingConfiguration? wanted = Wanted(arguments);
        if (wanted is null && !resume)
            throw new ArgumentException("a configuration is missing; name one, or continue a run with --resume");

        (RunFolder? run, TrainingConfiguration configuration) = resume ? RunFolder.Open(folder, wanted) : ((RunFolder?)null, wanted!);
        if (arguments.GetValue(Data) is { } data) configuration = configuration with { Data = Path.GetFullPath(data) };
        configuration.Check();
        DataSet set = DataSetFile.Open(configuration.Data
            ?? throw new ArgumentException("no data set; name its folder with --data, or as \"data\" in the configuration"));
        set = set with { Normalization = configuration.Normalization ?? set.Normalization };
        Trainer.Check(configuration, set);
        using Device device = CommonOptions.OpenDevice(arguments);
        run ??= RunFolder.Create(folder, configuration);

        using var stop = new CancellationTokenSource();
        // The first signal lets the step end; a second one has its usual effect.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var session = new Session(device, configuration.Seed);
        IMethod method = configuration.Create(session, set);
        var trainer = new Trainer(session, configuration, method, set, set.Store(), run);
        using IDisplay display = arguments.GetValue(CommonOptions.Json) ? new JsonLines()
            : AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? new TrainingBar()
            : new PlainLines();
        display.Begin(configuration, set, device, method.Network);
        bool finished = trainer.Run(display, stop.Token);
        display.End(finished, run, configuration);
        return ExitCode.Done;

        void Stop(PosixSignalContext signal)
        {
            if (stop.IsCancellationRequested) return;
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>The settings of the command line; paths in a file are meant from its folder.</summary>
    static TrainingConfiguration? Wanted(ParseResult arguments)
    {
        string[] changes = arguments.GetValue(Set) ?? [];
        if (arguments.GetValue(Settings) is not { } file)
        {
            return changes.Length == 0 && arguments.GetValue(CommonOptions.Seed) is null
                ? null
                : throw new ArgumentException("--set and --seed change a configuration; name it");
        }
        var read = ConfigurationFile.Read<TrainingConfiguration>(file.FullName, changes);
        if (read.Data is { } data) read = read with { Data = Path.GetFullPath(data, file.DirectoryName!) };
        return arguments.GetValue(CommonOptions.Seed) is { } seed ? read with { Seed = seed } : read;
    }
}
