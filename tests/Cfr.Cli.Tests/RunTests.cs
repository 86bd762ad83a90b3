using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr run</c> as a user runs it: a whole experiment, tiny.</summary>
public sealed class RunTests : IDisposable
{
    const int Kills = 5;

    readonly string _folder = Directory.CreateTempSubdirectory("cfr-run-").FullName;

    public RunTests() => File.WriteAllText(At("small.json"), ExperimentText.Small);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Killed_at_random_moments_it_ends_with_the_same_weights()
    {
        var (code, output, errors) = Cfr("run", At("small.json"), "--out", At("whole"));
        Assert.True(code == 0, errors);
        Assert.Contains("CFR-MT", output);
        Assert.Contains(At("whole", "report", "index.html"), output);

        int seed = Environment.TickCount;
        string[] records = [.. Directory.GetFiles(At("whole", "stages")).Select(path => Path.GetFileName(path))];
        string[] moments = [.. new Random(seed).GetItems(records, Kills).Distinct()];
        // In the order of the stages, so that each can be met after the one before.
        foreach (string record in moments.OrderBy(record => File.GetLastWriteTimeUtc(At("whole", "stages", record))))
        {
            using var run = new RunningCfr("run", At("small.json"), "--out", At("killed"));
            run.Until(() => File.Exists(At("killed", "stages", record)));
            run.Kill();
        }
        (code, _, errors) = Cfr("run", At("small.json"), "--out", At("killed"));
        Assert.True(code == 0, $"seed {seed}: {errors}");
        foreach (string model in Directory.GetFiles(At("whole"), "model.safetensors", SearchOption.AllDirectories))
        {
            string other = Path.Combine(At("killed"), Path.GetRelativePath(At("whole"), model));
            Assert.True(File.ReadAllBytes(model).AsSpan().SequenceEqual(File.ReadAllBytes(other)), $"{other} differs (seed {seed})");
        }
    }

    [Fact]
    public void The_plan_is_printed_and_nothing_is_written()
    {
        var (code, output, _) = Cfr("run", At("small.json"), "--out", At("run"), "--dry-run");
        Assert.Equal(0, code);
        Assert.Contains("train cfr-mean-teacher", output);
        Assert.Contains("3 steps of 4 patches 16x16x16", output);
        Assert.False(Directory.Exists(At("run")));
    }

    [Fact]
    public void Bad_input_is_one_line_and_leaves_nothing()
    {
        AssertRefused(2, "an experiment is missing");
        AssertRefused(3, "no-such.json", At("no-such.json"));
        AssertRefused(3, "line 6: unknown key 'unlabelt'; did you mean 'unlabelled'?", Changed("\"unlabelled\"", "\"unlabelt\""));
        AssertRefused(
            2, "labelled is 7; phantom", At("small.json"), "--set", "labelled=7", "--set", "methods.upper-bound.labelled=7");
        AssertRefused(3, "sam_vit_b_01ec64.pth: there is no such checkpoint", At("small.json"), "--sam", "sam_vit_b_01ec64.pth");
        AssertRefused(3, "no such list", At("small.json"), "--data", At("nowhere"));
        Directory.CreateDirectory(At("twice"));
        File.WriteAllText(At("twice", "dataset.json"), """{ "name": "x", "classes": ["a", "b"], "train": ["one", "two", "one"], "test": ["three"] }""");
        AssertRefused(3, "case one is listed twice", At("small.json"), "--data", At("twice"));
        Assert.False(Directory.Exists(At("run")));

        void AssertRefused(int expected, string message, params string[] arguments)
        {
            var (code, _, errors) = Cfr(["run", .. arguments, "--out", At("run")]);
            Assert.Equal(expected, code);
            Assert.Contains(message, errors);
            Assert.Single(errors.Trim().Split('\n'));
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_stops_the_run_with_one_line()
    {
        File.WriteAllText(At("file"), "not a folder");
        var (code, _, errors) = Cfr("run", At("small.json"), "--out", At("file", "run"));
        Assert.NotEqual(0, code);
        Assert.Single(errors.Trim().Split('\n'));
        Assert.Equal("not a folder", File.ReadAllText(At("file")));
    }

    string Changed(string what, string with)
    {
        File.WriteAllText(At("changed.json"), ExperimentText.Small.Replace(what, with));
        return At("changed.json");
    }

    string At(params string[] names) => Path.Combine([_folder, .. names]);

    static (int Code, string Output, string Errors) Cfr(params string[] arguments) => CfrProcess.Run(arguments);
}
