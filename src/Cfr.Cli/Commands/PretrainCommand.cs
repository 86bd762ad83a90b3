using System.CommandLine;
using Cfr.Cli.Training;
using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Pretraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary>
/// <c>cfr pretrain</c>: trains a small promptable SAM on drawings, or goes on with a run; tests one on drawings that were held out; writes
/// one as float16.
/// </summary>
static class PretrainCommand
{
    static readonly Argument<FileInfo?> Settings = new("configuration")
    {
        Description = "The settings, JSON with comments; may be left out with --resume.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<string?> Out = new("--out") { Description = "Folder of the run." };

    static readonly Option<bool> Resume = new("--resume") { Description = "Go on with the run in --out." };

    static readonly Option<string[]> Set = new("--set")
    {
        Description = "Change a setting: KEY=VALUE, as in sam.width=192; may be repeated.",
    };

    static readonly Option<string?> Evaluate = new("--evaluate")
    {
        Description = "Do not train: test this SAM (a file, or 'small') on the drawings that the seed holds out.",
    };

    static readonly Option<int> Drawings = new("--drawings")
    {
        Description = "Drawings that --evaluate tests on.",
        DefaultValueFactory = _ => 100,
    };

    static readonly Option<string?> Export = new("--export")
    {
        Description = "Do not train: write the model of the run in --out to this file, as float16.",
    };

    public static Command Create()
    {
        var command = new Command("pretrain", "Trains a small promptable SAM on drawings, or goes on with a run.")
        {
            Settings, Out, Resume, Set, Evaluate, Drawings, Export,
            CommonOptions.Device, CommonOptions.Precision, CommonOptions.Seed, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        if (arguments.GetValue(Evaluate) is { } model) return Test(arguments, model);
        string folder = arguments.GetValue(Out) ?? throw new ArgumentException("name the run's folder with --out");
        return arguments.GetValue(Export) is { } file ? Write(arguments, folder, file) : Train(arguments, folder);
    }

    static int Train(ParseResult arguments, string folder)
    {
        bool resume = arguments.GetValue(Resume);
        PretrainingConfiguration? wanted = Wanted(arguments);
        if (wanted is null && !resume)
            throw new ArgumentException("a configuration is missing; name one, or continue a run with --resume");
        (RunFolder? run, PretrainingConfiguration configuration) = resume
            ? Pretrainer.Open(folder, wanted) : ((RunFolder?)null, wanted!);
        configuration.Check();
        using Device device = CommonOptions.OpenDevice(arguments);
        run ??= RunFolder.Create(folder, configuration);
        var trainer = new Pretrainer(new Session(device, configuration.Seed), configuration, run);
        using var interruption = new Interruption();
        using IDisplay display = IDisplay.Open(arguments.GetValue(CommonOptions.Json));
        display.Begin(
        [
            Describe(trainer.Sam),
            $"Training: {configuration.Iterations:N0} iterations of {configuration.Batch} drawings with {configuration.Prompts} prompts "
                + $"each, seed {configuration.Seed}, on {device.Name} ({device.Description})",
        ]);
        bool finished = trainer.Run(display, interruption.Token);
        display.End(finished, run, PretrainingConfiguration.Command);
        if (finished)
            Show(arguments, WorkProgress.Show("testing", progress => trainer.Test(progress, interruption.Token)));
        return ExitCode.Done;
    }

    static int Test(ParseResult arguments, string model)
    {
        int drawings = arguments.GetValue(Drawings);
        if (drawings < 1) throw new ArgumentException($"--drawings is {drawings}; expected at least 1");
        using Device device = CommonOptions.OpenDevice(arguments);
        Sam sam = SamFile.Load(new Session(device), model);
        ulong seed = PromptEvaluation.HeldOutSeed(arguments.GetValue(CommonOptions.Seed) ?? PretrainingConfiguration.UsualSeed);
        using var interruption = new Interruption();
        Show(arguments, WorkProgress.Show(
            "testing", progress => PromptEvaluation.Run(sam, seed, drawings, progress, interruption.Token)));
        return ExitCode.Done;
    }

    static int Write(ParseResult arguments, string folder, string file)
    {
        var (run, configuration) = Pretrainer.Open(folder);
        using Device device = CommonOptions.OpenDevice(arguments);
        var sam = new Sam(new Weights(new Session(device), seed: 0), configuration.Sam);
        sam.Weights.Load(run.Model);
        SamExport.Save(sam, file);
        Console.WriteLine($"{file}: {Describe(sam)}, {new FileInfo(file).Length:N0} bytes");
        return ExitCode.Done;
    }

    static string Describe(Sam sam) =>
        $"SAM of {sam.Weights.Parameters.Sum(weight => weight.Tensor.Count):N0} parameters, "
        + $"images of {sam.Configuration.ImageSize} x {sam.Configuration.ImageSize}";

    static void Show(ParseResult arguments, PromptScores scores)
    {
        if (arguments.GetValue(CommonOptions.Json))
        {
            JsonOutput.Print(scores);
            return;
        }
        Console.WriteLine(
            $"Intersection over union, mean of {scores.Objects} objects in {scores.Drawings} drawings that were held out:");
        Console.WriteLine($"  one point, the best of the masks     {scores.PointBest:F3}");
        Console.WriteLine($"  one point, the mask that it chooses  {scores.PointChosen:F3}");
        Console.WriteLine($"  one box                              {scores.Box:F3}");
        Console.WriteLine($"  without a model: flood from a point  {scores.PointFlood:F3}");
        Console.WriteLine($"  without a model: the box             {scores.BoxFilled:F3}");
        Console.WriteLine($"  without a model: threshold in a box  {scores.BoxThreshold:F3}");
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
