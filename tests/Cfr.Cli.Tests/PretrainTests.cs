using System.Text.Json.Nodes;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr pretrain</c> as a user runs it, with a SAM that is as small as can be.</summary>
public sealed class PretrainTests : IDisposable
{
    const string Settings = """
        {
          "sam": {
            "imageSize": 48, "patchSize": 8, "width": 16, "depth": 1, "heads": 2, "window": 3, "globalBlocks": [0],
            "promptWidth": 16, "decoderHeads": 2, "decoderHidden": 16, "qualityHidden": 16 // tiny
          },
          "iterations": 12, "batch": 1, "prompts": 2, "checkpointEvery": 3, "heldOut": 2
        }
        """;

    readonly TemporaryFolder _folder = new();

    public PretrainTests() => File.WriteAllText(_folder.File("settings.json"), Settings);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_killed_run_goes_on_to_the_same_bits_as_one_that_never_stopped()
    {
        Assert.Equal(0, Pretrain(_folder.File("settings.json"), "--out", At("whole")).Code);
        using (var run = new RunningCfr("pretrain", _folder.File("settings.json"), "--out", At("killed")))
        {
            run.Until(() => File.Exists(At("killed", "checkpoint.safetensors")));
            run.Kill();
        }
        Assert.Equal(0, Pretrain("--resume", "--out", At("killed")).Code);
        foreach (string file in (string[])["checkpoint.safetensors", "model.safetensors", "scores.json"])
            Assert.True(File.ReadAllBytes(At("whole", file)).AsSpan().SequenceEqual(File.ReadAllBytes(At("killed", file))), file);
    }

    [Fact]
    public void A_model_is_tested_when_its_run_ends_and_again_when_asked_for()
    {
        var (code, output, errors) = Pretrain(_folder.File("settings.json"), "--out", At("run"));
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("in 2 drawings", output);
        var again = Pretrain("--evaluate", At("run", "model.safetensors"), "--drawings", "2", "--json");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(At("run", "scores.json"))), JsonNode.Parse(again.Output)));
    }

    [Fact]
    public void A_model_is_written_in_half_the_space()
    {
        Assert.Equal(0, Pretrain(_folder.File("settings.json"), "--out", At("run"), "--set", "iterations=1").Code);
        var (code, output, errors) = Pretrain("--out", At("run"), "--export", At("half.safetensors"));
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("parameters", output);
        Assert.InRange(new FileInfo(At("half.safetensors")).Length, 1, 0.7 * new FileInfo(At("run", "model.safetensors")).Length);
        Assert.Equal(0, Pretrain("--evaluate", At("half.safetensors"), "--drawings", "1").Code);
    }

    [Fact]
    public void Bad_input_is_one_line_and_leaves_nothing_behind()
    {
        AssertRefused(2, "--out", Pretrain(_folder.File("settings.json")));
        AssertRefused(2, "configuration is missing", Pretrain("--out", At("run")));
        AssertRefused(2, "prompts is 3", Pretrain(_folder.File("settings.json"), "--out", At("run"), "--set", "prompts=3"));
        AssertRefused(3, "unknown key 'epochs'", Pretrain(_folder.File("settings.json"), "--out", At("run"), "--set", "epochs=3"));
        AssertRefused(2, "no run", Pretrain("--resume", "--out", At("run")));
        AssertRefused(3, "nothing.pth", Pretrain("--evaluate", At("nothing.pth")));
        Assert.False(Directory.Exists(At("run")));
    }

    static void AssertRefused(int code, string reason, (int Code, string Output, string Errors) result)
    {
        Assert.Contains(reason, result.Errors);
        Assert.Equal(code, result.Code);
        Assert.Single(result.Errors.TrimEnd().Split('\n'));
    }

    string At(params string[] path) => Path.Combine([_folder.FullName, .. path]);

    static (int Code, string Output, string Errors) Pretrain(params string[] arguments) => CfrProcess.Run(["pretrain", .. arguments]);
}
