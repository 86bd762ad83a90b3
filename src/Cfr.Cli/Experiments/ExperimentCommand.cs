using System.CommandLine;
using Cfr.Pipeline.Experiments;

namespace Cfr.Cli.Experiments;

/// <summary>What commands that run an experiment have in common.</summary>
static class ExperimentCommand
{
    /// <summary>Runs it, or with <paramref name="planOnly"/> prints what it would do.</summary>
    /// <param name="arguments">With the options of devices and results.</param>
    /// <param name="experiment">The settings.</param>
    /// <param name="folder">Where.</param>
    /// <param name="command">How to do it again.</param>
    /// <param name="planOnly">Whether nothing is to be done.</param>
    /// <returns>The exit code: a run that was stopped has failed.</returns>
    public static int Execute(
        ParseResult arguments, ExperimentConfiguration experiment, ExperimentFolder folder, string command, bool planOnly = false)
    {
        bool isJson = arguments.GetValue(CommonOptions.Json);
        using var interruption = new Interruption();
        using var display = new ExperimentDisplay(isJson);
        var run = new ExperimentRun(
            experiment, folder, () => CommonOptions.OpenDevice(arguments), command, display, interruption.Token);
        run.Check(needsCheckpoint: !planOnly);
        if (planOnly)
        {
            PlanTable.Print(ExperimentPlan.Of(run, display.Measuring), folder, isJson);
            return ExitCode.Done;
        }
        bool finished = run.Run();
        display.End(finished, folder);
        return finished ? ExitCode.Done : ExitCode.Failed;
    }
}
