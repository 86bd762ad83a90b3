using System.CommandLine;
using Cfr.Cli.Experiments;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.FineTuning;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr run</c>: all stages of an experiment, or those that are still to do.</summary>
static class RunCommand
{
    static readonly Argument<FileInfo?> Settings = new("experiment")
    {
        Description = "The experiment, JSON with comments.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<bool> Schema = new("--schema") { Description = "Print the JSON schema of experiments, for editors." };

    static readonly Option<string?> Out = new("--out") { Description = "Folder of the results; default runs/NAME." };

    static readonly Option<string?> Data = new("--data") { Description = "Folder of the data set, or of the files that it is made of; overrides the experiment's." };

    static readonly Option<string?> Sam = new("--sam")
    {
        Description = $"Checkpoint of SAM, such as sam_vit_b_01ec64.pth, or {SmallSam.Name}; overrides the experiment's.",
    };

    static readonly Option<string[]> Set = new("--set")
    {
        Description = "Change a setting: KEY=VALUE, as in training.iterations=100; may be repeated.",
    };

    static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "Print what would be done, with the time and memory of a step of each kind, and write nothing.",
    };

    public static Command Create()
    {
        var command = new Command("run", "Runs an experiment: from volumes to a tested segmenter and a report; goes on where it was stopped.")
        {
            Settings, Out, Data, Sam, Set, DryRun, Schema, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        if (arguments.GetValue(Schema))
        {
            Console.Write(ExperimentSchema.Json());
            return ExitCode.Done;
        }
        FileInfo file = arguments.GetValue(Settings) ?? throw new ArgumentException("an experiment is missing; name one, such as configs/la-small.json");
        ExperimentConfiguration experiment = ExperimentFile.Read(file.FullName, arguments.GetValue(Set));
        if (arguments.GetValue(Data) is { } data) experiment = experiment.WithData(data);
        if (arguments.GetValue(Sam) is { } sam) experiment = experiment.WithSam(sam);
        var folder = new ExperimentFolder(arguments.GetValue(Out) ?? Path.Combine("runs", experiment.Name));
        return ExperimentCommand.Execute(arguments, experiment, folder, Command(arguments), arguments.GetValue(DryRun));
    }

    /// <summary>The command line, as one would type it again.</summary>
    static string Command(ParseResult arguments) =>
        "cfr " + string.Join(' ', arguments.Tokens.Select(token => token.Value.Any(char.IsWhiteSpace) ? $"\"{token.Value}\"" : token.Value));
}
