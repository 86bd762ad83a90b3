using System.CommandLine;
using Cfr.Cli.Training;
using Cfr.Kernels;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Pretraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr pretrain</c>: trains a small promptable SAM on drawings, or goes on with a run.</summary>
static class PretrainCommand
{
    static readonly Argument<FileInfo?> Settings = new("configuration")
    {
        Description = "The settings, JSON with comments; may be left out with --resume.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<string> Out = new("--out") { Description = "Folder of the run.", Required = true };

    static readonly Option<bool> Resume = new("--resume") { Description = "Go on with the run in --out." };

    static readonly Option<string[]> Set = new("--set")
    {
        Description = "Change a setting: KEY=VALUE, as in sam.width=192; may be repeated.",
    };

    public static Command Create()
    {
        var command = new Command("pretrain", "Trains a small promptable SAM on drawings, or goes on with a run.")
        {
            Settings, Out, Resume, Set, CommonOptions.Device, CommonOptions.Seed, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(Out)!;
        bool resume = arguments.GetValue(Resume);
        PretrainingConfiguration? wanted = Wanted(arguments);
        if (wanted is null && !resume)
            throw new ArgumentException("a configuration is missing; name one, or continue a run with --resume");
        (RunFolder? run, PretrainingConfiguration configuration) = resume ? Pretrainer.Open(folder, wanted) : ((RunFolder?)null, wanted!);
        configuration.Check();
        using Device device = CommonOptions.OpenDevice(arguments);
        run ??= RunFolder.Create(folder, configuration);
        var session = new Session(device, configuration.Seed);
        var trainer = new Pretrainer(session, configuration, run);
        using var interruption = new Interruption();
        using IDisplay display = arguments.GetValue(CommonOptions.Json) ? new JsonLines()
            : AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? new TrainingBar()
            : new PlainLines();
        long parameters = trainer.Sam.Weights.Parameters.Sum(weight => weight.Tensor.Count);
        display.Begin(
        [
            $"Model: SAM, {parameters:N0} parameters, images of {configuration.Sam.ImageSize} x {configuration.Sam.ImageSize}",
            $"Training: {configuration.Iterations:N0} iterations of {configuration.Batch} drawings with {configuration.Prompts} prompts each, "
                + $"seed {configuration.Seed}, on {device.Name} ({device.Description})",
        ]);
        bool finished = trainer.Run(display, interruption.Token);
        display.End(finished, run, PretrainingConfiguration.Command);
        return ExitCode.Done;
    }

    static PretrainingConfiguration? Wanted(ParseResult arguments)
    {
        string[] changes = arguments.GetValue(Set) ?? [];
        ulong? seed = arguments.GetValue(CommonOptions.Seed);
        if (arguments.GetValue(Settings) is not { } file)
            return changes.Length == 0 && seed is null
                ? null : throw new ArgumentException("--set and --seed change a configuration; name it");
        var read = ConfigurationFile.Read<PretrainingConfiguration>(file.FullName, changes);
        return seed is { } other ? read with { Seed = other } : read;
    }
}
