using System.Text.Json.Nodes;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr train</c> as a user runs it, on generated scans.</summary>
public sealed class TrainTests : IDisposable
{
    const string Settings = """
        {
          "network": { "architecture": "vnet", "filters": 2 }, // small
          "iterations": 24, "batch": 2, "patch": [16, 16, 32], "checkpointEvery": 5,
          "schedule": { "every": 10 },
          "validation": { "every": 8, "on": "test", "stride": [16, 16, 32] }
        }
        """;

    readonly string _folder = Directory.CreateTempSubdirectory("cfr-train-").FullName;

    public TrainTests()
    {
        Assert.Equal(0, Cfr("prepare", "phantom", "--cases", "4", "--size", "32x32x40", "--out", At("data")).Code);
        File.WriteAllText(At("settings.json"), Settings);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_killed_run_goes_on_to_the_same_bits_as_one_that_never_stopped()
    {
        Assert.Equal(0, Train("whole").Code);
        var random = new Random();
        foreach (int lines in (int[])[random.Next(1, 9), random.Next(12, 20)])
        {
            using var run = new RunningCfr(Arguments("killed", lines > 9));
            run.Until(() => Lines("killed") >= lines);
            run.Kill();
        }
        Assert.Equal(0, Train("killed", resume: true).Code);
        AssertSame("whole", "killed");
    }

    [Fact]
    public void Ctrl_c_finishes_the_step_saves_and_ends_well()
    {
        Assert.Equal(0, Train("whole").Code);
        using (var run = new RunningCfr(Arguments("stopped", resume: false)))
        {
            run.Until(() => Lines("stopped") >= 3);
            run.Interrupt();
            var (code, output, errors) = run.End();
            Assert.Equal((0, ""), (code, errors));
            Assert.Contains("--resume", output);
        }
        Assert.InRange(Lines("stopped"), 3, 26);
        Assert.True(File.Exists(At("stopped", "checkpoint.safetensors")));
        Assert.DoesNotContain(Directory.GetFiles(At("stopped")), file => file.EndsWith(".tmp"));
        Assert.Equal(0, Cfr("train", "--resume", "--out", At("stopped")).Code);
        AssertSame("whole", "stopped");
    }

    [Fact]
    public void Json_prints_the_lines_of_the_log_and_what_became_of_the_run()
    {
        var (code, output, errors) = Cfr([.. Arguments("run", resume: false), "--json", "--set", "iterations=2"]);
        Assert.Equal((0, ""), (code, errors));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(File.ReadAllLines(At("run", "log.jsonl")), lines[..^1]);
        Assert.True((bool)JsonNode.Parse(lines[^1])!["finished"]!);
        Assert.True(File.Exists((string)JsonNode.Parse(lines[^1])!["model"]!));
    }

    [Fact]
    public void Methods_of_unlabelled_cases_say_what_they_learn_from()
    {
        string[] few = ["--set", "method=mean-teacher", "--set", "labelled=1", "--set", "batch=4", "--set", "iterations=2"];
        AssertRefused(3, "no such file; expected the pseudo label of case", Train("run", [.. few, "--pseudo-labels", At("data")]));
        AssertRefused(3, "nowhere", Train("run", [.. few, "--pseudo-labels", At("nowhere")]));
        Assert.False(Directory.Exists(At("run")));
        var (code, output, errors) = Train("run", [.. few, "--pseudo-labels", At("data", "labels")]);
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("1 labelled and 2 unlabelled cases", output);
        Assert.Contains($"Method: mean-teacher, pseudo labels from the folder {At("data", "labels")} (weight 1)", output);
        Assert.Contains("\"pseudoLabels\":", File.ReadAllText(At("run", "log.jsonl")));
        Assert.Equal(0, Cfr("train", "--resume", "--out", At("run")).Code);
        (code, output, errors) = Train("rounds", "--set", "method=self-training", "--set", "labelled=1", "--set", "batch=4", "--set", "iterations=2");
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("Round 2 of 2:", output);
        Assert.True(File.Exists(At("rounds", "model.safetensors")));
    }

    [Fact]
    public void A_folder_that_holds_a_run_is_not_overwritten()
    {
        Assert.Equal(0, Train("run", "--set", "iterations=1").Code);
        string before = File.ReadAllText(At("run", "log.jsonl"));
        AssertRefused(2, "--resume", Train("run"));
        Assert.Equal(before, File.ReadAllText(At("run", "log.jsonl")));
    }

    [Fact]
    public void Bad_input_is_one_line_and_leaves_nothing_behind()
    {
        AssertRefused(3, "unknown key 'epochs'; known here are ", Train("run", "--set", "epochs=5"));
        AssertRefused(2, "network.classes is 5", Train("run", "--set", "network.classes=5"));
        AssertRefused(2, "patch is 20x16x16", Train("run", "--set", "patch=[20,16,16]"));
        AssertRefused(3, "missing.json", Cfr("train", At("missing.json"), "--out", At("run")));
        AssertRefused(3, "nowhere", Cfr("train", At("settings.json"), "--data", At("nowhere"), "--out", At("run")));
        AssertRefused(2, "configuration is missing", Cfr("train", "--out", At("run")));
        AssertRefused(2, "no run to resume", Train("run", resume: true));
        string image = Directory.GetFiles(At("data", "images"))[0];
        File.WriteAllBytes(image, File.ReadAllBytes(image)[..500]);
        AssertRefused(3, Path.GetFileName(image), Train("run"));
        Assert.False(Directory.Exists(At("run")));
    }

    void AssertSame(string first, string second)
    {
        foreach (string file in (string[])["checkpoint.safetensors", "model.safetensors"])
            Assert.True(File.ReadAllBytes(At(first, file)).AsSpan().SequenceEqual(File.ReadAllBytes(At(second, file))), file);
        Assert.Equal(Log(first), Log(second));
    }

    static void AssertRefused(int code, string reason, (int Code, string Output, string Errors) result)
    {
        Assert.Contains(reason, result.Errors);
        Assert.Equal(code, result.Code);
        Assert.Single(result.Errors.TrimEnd().Split('\n'));
    }

    IEnumerable<string> Log(string run) => File.ReadLines(At(run, "log.jsonl"))
        .Select(line => System.Text.RegularExpressions.Regex.Replace(line, ",\"seconds\":[^}]*", ""));

    int Lines(string run)
    {
        string log = At(run, "log.jsonl");
        if (!File.Exists(log)) return 0;
        using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd().Count(letter => letter == '\n');
    }

    (int Code, string Output, string Errors) Train(string run, params string[] more) =>
        Cfr([.. Arguments(run, resume: false), .. more]);

    (int Code, string Output, string Errors) Train(string run, bool resume) => Cfr(Arguments(run, resume));

    string[] Arguments(string run, bool resume) =>
    [
        "train", At("settings.json"), "--data", At("data"), "--out", At(run), "--threads", "2",
        .. resume ? (string[])["--resume"] : [],
    ];

    string At(params string[] path) => Path.Combine([_folder, .. path]);

    static (int Code, string Output, string Errors) Cfr(params string[] arguments)
    {
        using var run = new RunningCfr(arguments);
        return run.End();
    }
}
