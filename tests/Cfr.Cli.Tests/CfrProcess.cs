namespace Cfr.Cli.Tests;

/// <summary>The <c>cfr</c> command as a user runs it, in a process of its own.</summary>
static class CfrProcess
{
    /// <summary>Runs it to its end.</summary>
    public static (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        using var process = new RunningCfr(arguments);
        return process.End();
    }
}
