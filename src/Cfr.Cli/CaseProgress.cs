namespace Cfr.Cli;

/// <summary>A bar that counts cases while they are worked on.</summary>
static class CaseProgress
{
    /// <summary>Does the work, which tells how many cases are done.</summary>
    public static T Show<T>(string what, int cases, Func<Action<int>, T> work) =>
        WorkProgress.Show(what, told => work(done => told?.Invoke(done, cases)));
}
