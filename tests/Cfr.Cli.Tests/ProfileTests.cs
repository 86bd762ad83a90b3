using System.Text.Json;
using Cfr.Cli.Commands;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr profile</c> as a user runs it.</summary>
public class ProfileTests
{
    [Theory]
    [InlineData("profile train a.json --out b", "profile -- train a.json --out b")]
    [InlineData("profile --out a --sizes train --out b", "profile --out a --sizes -- train --out b")]
    [InlineData("profile --out a -- train --out b", "profile --out a -- train --out b")]
    [InlineData("profile --help", "profile --help")]
    [InlineData("profile", "profile")]
    [InlineData("train profile --out b", "train profile --out b")]
    public void Options_behind_the_watched_command_are_its_own(string line, string separated) =>
        Assert.Equal(separated.Split(' '), ProfileCommand.Separate(line.Split(' ')));

    [Fact]
    public void A_command_runs_and_its_kernels_and_a_trace_follow()
    {
        using var folder = new TemporaryFolder();
        string trace = folder.File("trace.json");
        var (code, output, errors) = CfrProcess.Run(
            "profile", "--out", trace, "parity", Golden.Path("ssl/vnet_nf4_c2.safetensors"), "--threads", "2");
        Assert.Equal((ExitCode.Done, ""), (code, errors));
        Assert.Contains("within tolerance", output);
        string[] kernels = [.. output.Split('\n').SkipWhile(line => !line.StartsWith("kernel ")).Skip(1)];
        Assert.Contains(kernels, line => line.StartsWith("convolution weight gradient ") && line.Contains('%'));
        Assert.Contains(kernels, line => line.StartsWith("total ") && line.Contains("100"));
        JsonElement events = JsonDocument.Parse(File.ReadAllText(trace)).RootElement.GetProperty("traceEvents");
        Assert.Contains(events.EnumerateArray(), one => one.GetProperty("name").GetString() == "convolution forward");
    }

    [Fact]
    public void What_goes_wrong_in_the_watched_command_goes_wrong()
    {
        using var folder = new TemporaryFolder();
        string trace = folder.File("trace.json");
        Assert.Equal(ExitCode.BadData, CfrProcess.Run("profile", "--out", trace, "parity", folder.File("none.safetensors")).Code);
        var (code, _, errors) = CfrProcess.Run("profile", "--out", trace, "kernels");
        Assert.Equal((ExitCode.Done, "cfr: kernels used no device, so there is no profile\n"), (code, errors));
        Assert.Equal(ExitCode.Usage, CfrProcess.Run("profile", "--out", folder.File("no/trace.json"), "kernels").Code);
        Assert.False(File.Exists(trace));
    }

    [Fact]
    public void A_trace_that_cannot_be_written_hides_nothing()
    {
        using var folder = new TemporaryFolder();
        string trace = folder.File("trace.json"), golden = Golden.Path("ssl/vnet_nf4_c2.safetensors");
        Directory.CreateDirectory(trace);
        var (code, output, errors) = CfrProcess.Run("profile", "--out", trace, "parity", golden);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("within tolerance", output);
        Assert.StartsWith("cfr: the profile cannot be written: ", errors);
        string scans = folder.File("scans"), broken = Path.Combine(scans, "b.nii");
        Directory.CreateDirectory(scans);
        foreach (string scan in (string[])[Path.Combine(scans, "a.nii"), broken])
            VolumeFile.Write(scan, new Volume(Geometry.Unit(new(16, 16, 16)), new float[4096]));
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..^1]);
        string[] predict = ["predict", scans, "--model", Golden.Path("ssl/vnet_nf1_c2.pth"), "--out", folder.File("out"), "--patch", "16,16,16"];
        (code, _, errors) = CfrProcess.Run(["profile", "--out", trace, .. predict]);
        Assert.Equal(ExitCode.BadData, code);
        Assert.Contains("cfr: the profile cannot be written: ", errors);
        Assert.Equal(2, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }
}
