using System.CommandLine;

namespace Cfr.Cli.Tests;

public class HelpTests
{
    [Fact]
    public void Every_command_stands_in_the_overview_and_has_an_example_that_parses()
    {
        RootCommand root = Program.CommandLine();
        string overview = Text("--help");
        Assert.NotEmpty(root.Subcommands);
        foreach (Command command in root.Subcommands)
        {
            Assert.Contains($"\n  {command.Name} ", overview);
            string example = Text(command.Name, "--help").Split("Example:\n  ")[1].Trim();
            Assert.StartsWith($"cfr {command.Name}", example);
            Assert.Empty(root.Parse(example.Split(" > ")[0]["cfr ".Length..]).Errors);
        }
        foreach (string line in overview.Split('\n').Where(line => line.StartsWith("  cfr ")))
            Assert.Empty(root.Parse(line.Trim()["cfr ".Length..]).Errors);

        string Text(params string[] arguments)
        {
            var output = new StringWriter();
            Assert.Equal(ExitCode.Done, root.Parse(arguments).Invoke(new InvocationConfiguration { Output = output }));
            return output.ToString();
        }
    }
}
