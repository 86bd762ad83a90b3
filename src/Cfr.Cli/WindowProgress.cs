using Spectre.Console;

namespace Cfr.Cli;

/// <summary>A bar that counts the windows of one scan; nothing where the console is no terminal.</summary>
static class WindowProgress
{
    /// <summary>Does the work, which tells how many windows are done of how many.</summary>
    public static T Show<T>(IAnsiConsole console, string what, Func<Action<int, int>?, T> work)
    {
        if (!console.Profile.Capabilities.Interactive) return work(null);
        return console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(what));
                return work((done, all) => (task.MaxValue, task.Value) = (all, done));
            });
    }
}
