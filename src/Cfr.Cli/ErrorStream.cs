using Spectre.Console;

namespace Cfr.Cli;

/// <summary>Standard error: progress, and what is worth knowing beside the results.</summary>
static class ErrorStream
{
    static readonly HashSet<string> Warned = [];

    /// <summary>The console of live displays; what is written through it scrolls by above them.</summary>
    public static IAnsiConsole Console { get; } =
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(System.Console.Error) });

    /// <summary>Whether somebody looks on.</summary>
    public static bool IsTerminal => Console.Profile.Capabilities.Interactive && !System.Console.IsErrorRedirected;

    /// <summary>A line of text.</summary>
    public static void WriteLine(string text)
    {
        if (IsTerminal) Console.WriteLine(text);
        else System.Console.Error.WriteLine(text);
    }

    /// <summary>A warning; the same one is written once.</summary>
    public static void Warn(string message)
    {
        lock (Warned)
            if (!Warned.Add(message)) return;
        if (IsTerminal) Console.MarkupLineInterpolated($"[yellow]warning: {message}[/]");
        else System.Console.Error.WriteLine($"warning: {message}");
    }
}
