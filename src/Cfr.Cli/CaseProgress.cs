using Spectre.Console;

namespace Cfr.Cli;

/// <summary>A bar that counts cases while they are worked on.</summary>
static class CaseProgress
{
    /// <summary>Does the work, which tells how many cases are done, and shows it on the console.</summary>
    public static T Show<T>(string what, int cases, Func<Action<int>, T> work) =>
        AnsiConsole.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(what, maxValue: cases);
                return work(done => task.Value = Math.Max(task.Value, done));
            });
}
