using Spectre.Console;

namespace Cfr.Cli;

/// <summary>
/// Shows on standard error how far long work is: a live bar with the time left on a terminal, elsewhere a line a second at
/// most, and none for work that is done within moments.
/// </summary>
static class WorkProgress
{
    /// <summary>Does the work, which tells how much is done of how much.</summary>
    public static T Show<T>(string what, Func<Action<int, int>?, T> work)
    {
        if (!ErrorStream.IsTerminal) return work(new ProgressLines(what, System.Console.Error, TimeProvider.System).Tell);
        return ErrorStream.Console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(what));
                return work((done, all) => (task.MaxValue, task.Value) = (all, Math.Max(task.Value, done)));
            });
    }
}
