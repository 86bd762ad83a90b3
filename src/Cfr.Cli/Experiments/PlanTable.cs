using Cfr.Cli.Training;
using Cfr.Pipeline.Experiments;
using Spectre.Console;

namespace Cfr.Cli.Experiments;

/// <summary>What an experiment would do.</summary>
static class PlanTable
{
    const int Width = 160;

    public static void Print(IReadOnlyList<PlannedStage> plan, ExperimentFolder folder, bool isJson)
    {
        if (isJson)
        {
            JsonOutput.Print(new { Folder = folder.Root, Stages = plan });
            return;
        }
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, Console.IsOutputRedirected ? Width : 0);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("stage", "state", "work");
        foreach (string title in (string[])["steps", "s/step", "time", "memory"]) table.AddColumn(new TableColumn(title).RightAligned());
        foreach (PlannedStage stage in plan)
            table.AddRow(
                Markup.Escape(stage.Stage), State(stage.State), Markup.Escape(stage.Work), stage.Steps > 0 ? $"{stage.Steps:N0}" : "",
                stage.SecondsAStep is { } step ? $"{step:G3}" : "", stage.Seconds is { } seconds ? TrainingSummary.Time(seconds) : "",
                stage.DeviceBytes is { } bytes ? $"{bytes / 1e9:F2} GB" : "");
        AnsiConsole.Write(table);
        Console.WriteLine($"In all about {TrainingSummary.Time(plan.Sum(stage => stage.Seconds ?? 0))}, reading, comparing and writing left out. "
            + $"Memory: of the device, the most that a step had. Results: {folder.Root}");
    }

    static string State(StageState state) => state switch
    {
        StageState.Done => "done",
        StageState.Begun => "begun",
        _ => "to do",
    };
}
