using System.CommandLine;
using Cfr.Kernels.Profiling;
using Cfr.Tensors.Files;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr profile COMMAND ...</c>: any other command, then where its time went.</summary>
static class ProfileCommand
{
    const string Name = "profile", OutName = "--out", EndOfOptions = "--";

    static readonly Option<string> Out = new(OutName)
    {
        Description = "File of the trace, for ui.perfetto.dev or chrome://tracing.",
        DefaultValueFactory = _ => "trace.json",
    };

    static readonly Option<bool> Sizes = new("--sizes") { Description = "A line for each size that a kernel was called with." };

    static readonly Argument<string[]> Watched = new("COMMAND")
    {
        Description = "A command of cfr with its arguments; options of profile stand before it.",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Command Create()
    {
        var command = new Command(
            Name, "Runs a command and shows where its time went: kernels, their share of what the device can reach, a trace.")
        {
            Out, Sizes, Watched,
        };
        command.SetAction(Run);
        return command;
    }

    /// <summary>
    /// Marks where the watched command begins, for both take an <c>--out</c>: <c>profile --out a train --out b</c> is
    /// <c>profile --out a -- train --out b</c>.
    /// </summary>
    internal static string[] Separate(string[] line)
    {
        if (line is not [Name, ..]) return line;
        int at = 1;
        while (at < line.Length && line[at].StartsWith('-')) at += line[at] == OutName ? 2 : 1;
        return at >= line.Length || line.AsSpan(1, at - 1).Contains(EndOfOptions) ? line : [.. line[..at], EndOfOptions, .. line[at..]];
    }

    static int Run(ParseResult arguments)
    {
        string[] watched = arguments.GetValue(Watched)!;
        string trace = arguments.GetValue(Out)!;
        if (watched[0] == Name) throw new ArgumentException("profile is given profile; expected another command");
        OutputPath.CheckFolder(OutName, trace);
        var profiler = new Profiler();
        string? device = null;
        ParseResult parsed = Program.CommandLine(opened =>
        {
            device = $"{opened.Name}: {opened.Description}";
            profiler.Measure(opened);
            return new ProfiledDevice(opened, profiler);
        }).Parse(watched);
        bool written = true;
        int code;
        try
        {
            code = parsed.Invoke(arguments.InvocationConfiguration);
        }
        finally
        {
            // Of a command that failed or was stopped too.
            if (device is null || profiler.Timeline.Entries.Count == 0)
                Console.Error.WriteLine($"cfr: {watched[0]} used no device, so there is no profile");
            else
                written = TryWrite(profiler, device, trace, parsed.GetValue(CommonOptions.Json), arguments.GetValue(Sizes));
        }
        return parsed.Errors.Count > 0 ? ExitCode.Usage : code == ExitCode.Done && !written ? ExitCode.Failed : code;
    }

    /// <summary>Writes the table and the trace; what hinders it is said and hides no error of the watched command.</summary>
    static bool TryWrite(Profiler profiler, string device, string trace, bool isJson, bool bySizes)
    {
        // Behind results for programs nothing else may stand.
        TextWriter output = isJson ? Console.Error : Console.Out;
        try
        {
            ProfileTable.Write(output, profiler, device, bySizes);
            AtomicFile.Write(trace, profiler.Timeline.Write);
            string left = profiler.Timeline.Dropped > 0 ? $", {profiler.Timeline.Dropped} later ones left out" : "";
            output.WriteLine($"{trace}: {profiler.Timeline.Entries.Count} events{left}; open it at ui.perfetto.dev");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"cfr: the profile cannot be written: {error.Message}");
            return false;
        }
    }
}
