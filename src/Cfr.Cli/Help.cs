using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Cfr.Kernels;

namespace Cfr.Cli;

/// <summary>The root of all commands.</summary>
/// <param name="description">What <c>cfr</c> is.</param>
/// <param name="watch">Wraps each device that a command opens; null if nobody watches.</param>
sealed class CfrCommand(string description, Func<Device, Device>? watch) : RootCommand(description)
{
    /// <summary>Wraps each device that a command opens; null if nobody watches.</summary>
    public Func<Device, Device>? Watch { get; } = watch;
}

/// <summary>Commands that belong together, in the order in which they are used.</summary>
/// <param name="Title">What they are about.</param>
/// <param name="Commands">Each with one line that shows its use.</param>
sealed record CommandGroup(string Title, params (Command Command, string Example)[] Commands);

/// <summary><c>cfr --help</c>: the commands by groups and a first session; of a command: its options and an example.</summary>
sealed class Help : SynchronousCommandLineAction
{
    const int NameWidth = 14;

    readonly CommandGroup[] _groups;
    readonly HelpAction _ofCommand;

    Help(CommandGroup[] groups, HelpAction ofCommand) => (_groups, _ofCommand) = (groups, ofCommand);

    /// <summary>The root of all commands.</summary>
    public static CfrCommand Root(string description, Func<Device, Device>? watch, params CommandGroup[] groups)
    {
        var root = new CfrCommand(description, watch);
        foreach (var (command, _) in groups.SelectMany(group => group.Commands)) root.Add(command);
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        option.Action = new Help(groups, (HelpAction)option.Action!);
        return root;
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parsed)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        Command command = parsed.CommandResult.Command;
        if (command is RootCommand) WriteOverview(output, command);
        else
        {
            _ofCommand.Invoke(parsed);
            string? example = _groups.SelectMany(group => group.Commands).FirstOrDefault(each => each.Command == command).Example;
            if (example is not null) output.WriteLine($"Example:\n  {example}\n");
        }
        return ExitCode.Done;
    }

    void WriteOverview(TextWriter output, Command root)
    {
        output.WriteLine($"{root.Description}\n\nUsage: cfr COMMAND [options]");
        foreach (CommandGroup group in _groups)
        {
            output.WriteLine($"\n{group.Title}");
            foreach (var (command, _) in group.Commands)
                output.WriteLine($"  {command.Name.PadRight(NameWidth)}{Short(command.Description)}");
        }
        output.WriteLine("""

            A first session
              cfr prepare phantom --out data/phantom --cases 12
              cfr train configs/phantom-vnet-small.json --data data/phantom --out runs/first
              cfr predict data/phantom/images/*.nii.gz --model runs/first/model.safetensors --out predictions
              cfr evaluate --predictions predictions --data data/phantom

            `cfr COMMAND --help` shows its options and an example; `cfr --version` the version.
            """);
    }

    /// <summary>The first sentence, or what stands before its colon.</summary>
    static string Short(string? description)
    {
        string text = description ?? "";
        int end = text.IndexOfAny([':', '.', ';']);
        return end < 0 ? text : text[..end];
    }
}
