using System.CommandLine;

namespace Cfr.Cli.Tests;

public class HelpTests
{
    /// <summary>The commands that compute nothing on a device, for which the processor alone will do, or whose command says.</summary>
    static readonly HashSet<string> WithoutDevice =
        ["prepare", "check", "inspect", "concat", "evaluate", "report", "devices", "completion", "kernels", "profile"];

    [Fact]
    public void Every_command_that_computes_takes_a_device_and_a_precision()
    {
        foreach (Command command in Program.CommandLine().Subcommands)
        {
            bool computes = !WithoutDevice.Contains(command.Name);
            Assert.True(computes == command.Options.Contains(CommonOptions.Device), command.Name);
            Assert.True(computes == command.Options.Contains(CommonOptions.Precision), command.Name);
        }
    }

    [Theory]
    [InlineData("--device cuda:1 --precision bf16")]
    [InlineData("--device emulated --precision tf32")]
    [InlineData("--device cpu --precision fp32")]
    [InlineData("--device gpu", "--device is gpu; expected cpu, cuda, cuda:N or emulated")]
    [InlineData("--device cuda:", "--device is cuda:; expected cpu, cuda, cuda:N or emulated")]
    [InlineData("--device cuda:-1", "--device is cuda:-1; expected cpu, cuda, cuda:N or emulated")]
    [InlineData("--precision fp16", "'fp16'", "'fp32'", "'tf32'", "'bf16'")]
    public void Devices_and_precisions_are_known_by_name(string options, params string[] reasons)
    {
        string[] errors = [.. Program.CommandLine().Parse($"demo {options}").Errors.Select(error => error.Message)];
        if (reasons.Length == 0) Assert.Empty(errors);
        else Assert.All(reasons, reason => Assert.Contains(reason, Assert.Single(errors)));
    }

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
