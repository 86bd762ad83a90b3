using System.Diagnostics;
using System.Text.Json;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr report</c>, <c>cfr doctor</c> and <c>cfr completion</c> as a user runs them.</summary>
public class ReportAndDoctorTests
{
    [Fact]
    public void A_report_is_written_where_it_is_said_and_again()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("manifest.json"), """{ "name": "a run" }""");
        Assert.Equal((0, $"{folder.File("report/index.html")}\n", ""), CfrProcess.Run("report", folder.FullName));
        Assert.Equal((0, $"{folder.File("page.html")}\n", ""), CfrProcess.Run("report", folder.FullName, "--out", folder.File("page.html")));
        Assert.Equal(File.ReadAllBytes(folder.File("report/index.html")), File.ReadAllBytes(folder.File("page.html")));
        Assert.Contains("<h1>a run</h1>", File.ReadAllText(folder.File("page.html")));
    }

    [Fact]
    public void A_folder_that_is_no_run_and_a_damaged_manifest_are_said_in_one_line()
    {
        using var folder = new TemporaryFolder();
        AssertRefused("manifest.json: no such file; expected the folder of a run");
        File.WriteAllText(folder.File("manifest.json"), "{\n\"seed\": }");
        AssertRefused("manifest.json: line 2:");

        void AssertRefused(string message)
        {
            var (code, output, errors) = CfrProcess.Run("report", folder.FullName);
            Assert.Equal((ExitCode.BadData, ""), (code, output));
            Assert.Contains(message, Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        }
    }

    [Fact]
    public void The_doctor_finds_this_machine_healthy()
    {
        var (code, output, errors) = CfrProcess.Run("doctor", "--json");
        Assert.Equal("", errors);
        JsonElement found = JsonDocument.Parse(output).RootElement;
        Assert.True(code == ExitCode.Done && found.GetProperty("healthy").GetBoolean(), output);
        HashSet<string> names =
            [.. found.GetProperty("findings").EnumerateArray().Select(each => each.GetProperty("name").GetString()!)];
        Assert.Superset(new HashSet<string> { "processor", "memory", "cache", "gpu", "cpu conv3d", "emulated attention" }, names);
    }

    [Fact]
    public void Bash_completes_commands_and_options()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "there is no bash");
        using var folder = new TemporaryFolder();
        string cfr = folder.File("cfr");
        File.WriteAllText(cfr, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "cfr.dll")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(cfr, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        const string Script = """
            PATH="$1:$PATH"; source <(cfr completion bash); complete -p cfr
            COMP_WORDS=(cfr pre); COMP_CWORD=1; COMP_LINE="cfr pre"; COMP_POINT=7; _cfr; echo "${COMPREPLY[@]}"
            COMP_WORDS=(cfr predict --mod); COMP_CWORD=2; COMP_LINE="cfr predict --mod"; COMP_POINT=17; _cfr; echo "${COMPREPLY[@]}"
            COMP_WORDS=(cfr demo --precision b); COMP_CWORD=3; COMP_LINE="cfr demo --precision b"; COMP_POINT=22; _cfr; echo "${COMPREPLY[@]}"
            COMP_WORDS=(cfr completion z); COMP_CWORD=2; COMP_LINE="cfr completion z"; COMP_POINT=16; _cfr; echo "${COMPREPLY[@]}"
            """;
        using Process bash = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", Script, "bash", folder.FullName])
        {
            RedirectStandardOutput = true,
        })!;
        string[] lines = bash.StandardOutput.ReadToEnd().Split('\n');
        bash.WaitForExit();
        Assert.Equal(["complete -o default -F _cfr cfr", "predict prepare pretrain", "--model", "bf16", "zsh"], lines[..5]);
    }

    [Theory]
    [InlineData("zsh", "compdef _cfr cfr")]
    [InlineData("fish", "complete -c cfr")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public void Other_shells_have_their_scripts(string shell, string line)
    {
        var (code, output, _) = CfrProcess.Run("completion", shell);
        Assert.Equal(0, code);
        Assert.Contains(line, output);
    }
}
