using System.CommandLine;
using Cfr.Kernels;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Spectre.Console;

namespace Cfr.Cli.Training;

/// <summary>A training that is about to run.</summary>
/// <param name="Network">What is trained.</param>
/// <param name="Execute">Trains; false if it was stopped.</param>
readonly record struct ReadyTraining(IVolumeNetwork Network, Func<ITrainingObserver, CancellationToken, bool> Execute);

/// <summary>A command that trains something as a configuration says, or goes on with a run.</summary>
abstract class TrainingCommand<T> where T : RunConfiguration
{
    readonly Argument<FileInfo?> _settings = new("configuration")
    {
        Description = "The settings, JSON with comments; may be left out with --resume.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    readonly Option<string> _out = new("--out") { Description = "Folder of the run.", Required = true };

    readonly Option<string?> _data = new("--data")
    {
        Description = "Folder of the data set; overrides the configuration's.",
    };

    readonly Option<bool> _resume = new("--resume") { Description = "Go on with the run in --out." };

    readonly Option<string[]> _set = new("--set")
    {
        Description = "Change a setting: KEY=VALUE, as in iterations=100; may be repeated.",
    };

    Option[] _changes = [];

    /// <summary>The command, with what it takes beside the options of all trainings.</summary>
    protected Command Create(string name, string description, params Option[] options)
    {
        var command = new Command(name, description)
        {
            _settings, _out, _data, _resume, _set, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Seed, CommonOptions.Threads,
            CommonOptions.Json,
        };
        foreach (Option option in options) command.Add(option);
        _changes = [_set, CommonOptions.Seed, .. options];
        command.SetAction(Run);
        return command;
    }

    /// <summary>The settings with the paths in them taken from the folder of their file.</summary>
    protected abstract T Placed(T read, string folder);

    /// <summary>The settings with the command's own options, if there are any.</summary>
    protected virtual T With(T configuration, ParseResult arguments) => configuration;

    /// <summary>Whether settings and data fit each other.</summary>
    protected abstract void Check(T configuration, DataSet data);

    /// <summary>Builds what is trained.</summary>
    protected abstract ReadyTraining Open(Session session, T configuration, DataSet data, RunFolder run);

    int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(_out)!;
        bool resume = arguments.GetValue(_resume);
        T? wanted = Wanted(arguments);
        if (wanted is null && !resume)
            throw new ArgumentException("a configuration is missing; name one, or continue a run with --resume");

        (RunFolder? run, T configuration) = resume ? RunFolder.Open(folder, wanted) : ((RunFolder?)null, wanted!);
        if (arguments.GetValue(_data) is { } data) configuration = (T)(configuration with { Data = Path.GetFullPath(data) });
        configuration.Check();
        DataSet set = DataSetFile.Open(configuration.Data
            ?? throw new ArgumentException("no data set; name its folder with --data, or as \"data\" in the configuration"));
        set = set with { Normalization = configuration.Normalization ?? set.Normalization };
        Check(configuration, set);
        using Device device = CommonOptions.OpenDevice(arguments);
        run ??= RunFolder.Create(folder, configuration);

        using var interruption = new Interruption();
        ReadyTraining training = Open(new Session(device, configuration.Seed), configuration, set, run);
        using IDisplay display = IDisplay.Open(arguments.GetValue(CommonOptions.Json));
        display.Begin(configuration, set, device, training.Network);
        bool finished = training.Execute(display, interruption.Token);
        display.End(finished, run, configuration);
        return ExitCode.Done;
    }

    /// <summary>The settings of the command line; paths in a file are meant from its folder.</summary>
    T? Wanted(ParseResult arguments)
    {
        if (arguments.GetValue(_settings) is not { } file)
        {
            Option? change = _changes.FirstOrDefault(option => arguments.GetResult(option) is { Implicit: false });
            return change is null ? null : throw new ArgumentException($"{change.Name} changes a configuration; name it");
        }
        var read = ConfigurationFile.Read<T>(file.FullName, arguments.GetValue(_set));
        if (read.Data is { } data) read = (T)(read with { Data = Path.GetFullPath(data, file.DirectoryName!) });
        read = With(Placed(read, file.DirectoryName!), arguments);
        return arguments.GetValue(CommonOptions.Seed) is { } seed ? (T)(read with { Seed = seed }) : read;
    }
}
