using Spectre.Console;

namespace Cfr.Cli;

/// <summary>A bar on standard error while something is worked on; nothing where that is no terminal.</summary>
static class WorkProgress
{
    /// <summary>Does the work, which tells how much is done of how much.</summary>
    public static T Show<T>(string what, Func<Action<int, int>?, T> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (!console.Profile.Capabilities.Interactive || Console.IsErrorRedirected) return work(null);
        return console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(what));
                return work((done, all) => (task.MaxValue, task.Value) = (all, Math.Max(task.Value, done)));
            });
    }
}
