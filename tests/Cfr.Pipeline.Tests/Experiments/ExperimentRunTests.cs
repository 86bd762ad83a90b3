using System.Text.Json.Nodes;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Metrics;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Experiments;

public sealed class ExperimentRunTests : IDisposable
{
    static readonly string[] Rows = ["supervised", "mean-teacher", "cfr-mean-teacher", "cfr-self-training", "upper-bound"];

    readonly SmallExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public void It_goes_from_nothing_to_scores_and_a_report_and_then_has_nothing_left_to_do()
    {
        Assert.True(_experiment.Run());
        ExperimentFolder folder = _experiment.Folder;
        string[] stages = [.. _experiment.Done];
        Assert.Equal(
            ["prepare", "concatenate", "fine-tune", "pseudo-label", "score pseudo-labels", "predict cfr-ft", "evaluate cfr-ft",
                .. Rows.SelectMany(row => new[] { $"train {row}", $"predict {row}", $"evaluate {row}" }), "report"],
            stages);
        Assert.All((string[])[folder.FineTunedSam, folder.Report, folder.Experiment], path => Assert.True(File.Exists(path), path));
        Assert.Equal(3, Directory.GetFiles(folder.PseudoLabels, "*.nii.gz").Length);
        Assert.Equal(2 * (2 + 2), Directory.GetFiles(folder.Mosaics, "*.png").Length);
        Assert.All((string[])["cfr-ft", .. Rows], row => Assert.Single(ScoreFile.Read(folder.Scores(row)).Cases));
        JsonObject manifest = JsonNode.Parse(File.ReadAllText(folder.Manifest))!.AsObject();
        Assert.Equal((2, 3, 1), ((int)manifest["dataset"]!["labelled"]!, (int)manifest["dataset"]!["unlabelled"]!, (int)manifest["dataset"]!["test"]!));
        Assert.Equal(stages, manifest["stages"]!.AsArray().Select(stage => (string)stage!["name"]!));

        var before = Contents();
        Assert.True(_experiment.Run());
        Assert.Empty(_experiment.Done);
        Assert.Equal(stages, _experiment.LeftOut);
        Assert.Equal(before, Contents());
    }

    [Fact]
    public void A_stage_that_another_device_computed_is_kept_and_named()
    {
        Assert.True(_experiment.Run());
        string record = _experiment.Folder.Record("predict supervised");
        StageRecord computed = StageRecord.Read(record)!;
        Assert.Equal("cpu", computed.Device);
        Assert.Null(StageRecord.Read(_experiment.Folder.Record("evaluate supervised"))!.Device);
        (computed with { Device = "cuda bf16" }).Write(record);
        Assert.True(_experiment.Run());
        Assert.Empty(_experiment.Done);
        Assert.Equal(
            ["predict supervised is kept as it was computed, on cuda bf16; this run computes on cpu"], _experiment.Warnings);
    }

    [Fact]
    public void A_changed_setting_repeats_what_depends_on_it_alone()
    {
        _experiment.Run();
        Assert.True(_experiment.Run(["methods.mean-teacher.iterations=4"]));
        Assert.Equal(["train mean-teacher", "predict mean-teacher", "evaluate mean-teacher", "report"], _experiment.Done);
        Assert.True(_experiment.Run(["prediction.stride=[8,8,8]", "methods.mean-teacher.iterations=4"]));
        // What comes out the same is not compared again.
        Assert.Equal(Rows.Select(row => $"predict {row}"), _experiment.Done.Where(stage => !stage.StartsWith("evaluate") && stage != "report"));
        Assert.True(_experiment.Run(["fineTuning.iterations=4", "prediction.stride=[8,8,8]", "methods.mean-teacher.iterations=4"]));
        Assert.DoesNotContain("train supervised", _experiment.Done);
        Assert.Contains("train cfr-mean-teacher", _experiment.Done);
        Assert.Contains("train cfr-self-training", _experiment.Done);
    }

    [Fact]
    public void A_lost_or_damaged_result_is_made_again()
    {
        _experiment.Run();
        string scores = _experiment.Folder.Scores("supervised"), model = Path.Combine(_experiment.Folder.Retraining("mean-teacher"), "model.safetensors");
        byte[] trained = File.ReadAllBytes(model);
        File.Delete(scores);
        File.WriteAllText(model, "damaged");
        Assert.True(_experiment.Run());
        Assert.Equal(["evaluate supervised", "train mean-teacher"], _experiment.Done.Where(stage => stage.Contains("supervised") || stage.StartsWith("train")));
        Assert.Equal(trained, File.ReadAllBytes(model));
    }

    [Fact]
    public void Data_that_change_in_place_are_made_again()
    {
        _experiment.Run();
        string image = Directory.GetFiles(Path.Combine(_experiment.Folder.Data, "images"))[0];
        byte[] before = File.ReadAllBytes(image);
        File.Delete(image);
        Assert.True(_experiment.Run());
        Assert.Equal(["prepare"], _experiment.Done.Take(1));
        Assert.Equal(before, File.ReadAllBytes(image));
        Assert.True(_experiment.Run(["prepare.cases=9"]));
        Assert.Equal(["prepare"], _experiment.Done.Take(1));
    }

    [Fact]
    public void What_a_killed_process_left_is_in_nobodys_way()
    {
        string leftover = $"configuration.json.{Guid.NewGuid():N}.tmp", folder = _experiment.Folder.Retraining("supervised");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(_experiment.Folder.Root, leftover), "{");
        File.WriteAllText(Path.Combine(folder, leftover), "{");
        File.WriteAllText(_experiment.Folder.Experiment, """{ "name": "small" }""");
        Assert.True(_experiment.Run());
        Assert.Empty(Directory.GetFiles(_experiment.Folder.Root, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void Two_runs_cannot_be_at_work_in_one_folder()
    {
        string? second = null;
        Assert.True(_experiment.Run(began: (stage, _) =>
        {
            if (stage == "concatenate")
                second = Assert.Throws<ArgumentException>(() => new SmallExperiment().Run(folder: _experiment.Folder)).Message;
        }));
        Assert.Contains("another run is at work", second);
    }

    [Fact]
    public void A_row_that_was_taken_out_is_out_of_the_report()
    {
        _experiment.Run();
        Assert.Contains("CFR-ST", File.ReadAllText(_experiment.Folder.Report));
        Assert.True(_experiment.Run(["methods.cfr-self-training=null"]));
        Assert.DoesNotContain("CFR-ST", File.ReadAllText(_experiment.Folder.Report));
    }

    [Fact]
    public void Stopped_at_every_stage_it_ends_with_the_same_bits()
    {
        Assert.True(_experiment.Run());
        string[] models = [_experiment.Folder.FineTunedSam, .. Rows.Select(row => Path.Combine(_experiment.Folder.Retraining(row), "model.safetensors"))];
        byte[][] whole = [.. models.Select(File.ReadAllBytes)];
        Directory.Delete(_experiment.Folder.Root, recursive: true);

        var stopped = new HashSet<string>();
        bool finished = false;
        for (int i = 0; i < 60 && !finished; i++)
            finished = _experiment.Run(began: (stage, stop) =>
            {
                if (stopped.Add(stage)) stop.Cancel();
            });
        Assert.True(finished);
        Assert.InRange(stopped.Count, 10, 60);
        for (int i = 0; i < models.Length; i++) Assert.True(whole[i].AsSpan().SequenceEqual(File.ReadAllBytes(models[i])), models[i]);
    }

    [Fact]
    public void The_plan_knows_sizes_steps_and_what_is_done_and_writes_nothing()
    {
        Assert.All(Plan(), stage => Assert.Equal(StageState.ToDo, stage.State));
        Assert.False(Directory.Exists(_experiment.Folder.Root));
        PlannedStage training = Plan().Single(stage => stage.Stage == "train cfr-mean-teacher");
        Assert.Equal(3, training.Steps);
        Assert.InRange(training.SecondsAStep!.Value, 1e-6, 60);
        Assert.InRange(training.DeviceBytes!.Value, 1 << 20, 1L << 30);
        Assert.Equal(2 * 2 * 1, Plan().Single(stage => stage.Stage == "predict supervised").Steps);
        _experiment.Run();
        Assert.All(Plan(), stage => Assert.Equal(StageState.Done, stage.State));
        Directory.Delete(Path.Combine(_experiment.Folder.Root, "data"), recursive: true);
        Assert.Equal(StageState.ToDo, Plan().Single(stage => stage.Stage == "train supervised").State);

        IReadOnlyList<PlannedStage> Plan() => ExperimentPlan.Of(new ExperimentRun(
            ExperimentFile.Parse("small.json", ExperimentText.Small), _experiment.Folder, () => new Kernels.Cpu.CpuDevice(2), "", null!));
    }

    [Fact]
    public void A_folder_of_something_else_is_left_alone()
    {
        Directory.CreateDirectory(_experiment.Folder.Root);
        string other = Path.Combine(_experiment.Folder.Root, "letters.txt");
        File.WriteAllText(other, "mine");
        Assert.Contains("holds no experiment", Assert.Throws<ArgumentException>(() => _experiment.Run()).Message);
        Assert.Equal([other], Directory.GetFileSystemEntries(_experiment.Folder.Root));
    }

    Dictionary<string, string> Contents() => Directory.GetFiles(_experiment.Folder.Root, "*", SearchOption.AllDirectories)
        .Where(path => path != _experiment.Folder.Manifest)
        .ToDictionary(path => path, path => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))));
}
