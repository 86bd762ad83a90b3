using System.CommandLine;
using Cfr.Cli.Experiments;
using Cfr.Pipeline.Experiments;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr demo</c>: the whole pipeline on generated scans.</summary>
static class DemoCommand
{
    static readonly Option<string?> Out = new("--out") { Description = "Folder of the results; default runs/demo." };

    public static Command Create()
    {
        var command = new Command(
            "demo", "The whole pipeline on generated scans, in a few minutes: one labelled case, a small SAM, three networks, a report.")
        {
            Out, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        ExperimentConfiguration demo = ExperimentFile.Demo();
        if (!arguments.GetValue(CommonOptions.Json))
            Console.WriteLine($"""
                Generated scans of one organ among look-alikes: {demo.Labelled} labelled, {demo.Unlabelled} unlabelled, {demo.Test} to test on. A small SAM, pretrained on drawings, learns
                the labelled one as a mosaic of its slices and labels the others; V-Nets are trained on the label alone, with Mean Teacher, and with both (CFR).

                """);
        return ExperimentCommand.Execute(
            arguments, demo, new ExperimentFolder(arguments.GetValue(Out) ?? Path.Combine("runs", demo.Name)), "cfr demo");
    }
}
