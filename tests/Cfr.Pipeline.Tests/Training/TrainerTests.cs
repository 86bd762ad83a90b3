using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    readonly SmallTask _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public void It_learns()
    {
        var observer = new Recorder();
        var configuration = _task.Configuration with
        {
            Network = new(Architecture.VNet, Filters: 4),
            Iterations = 60,
            Schedule = new(ScheduleKind.Constant),
            Validation = new(60, new(4, 4, 2), ValidationCases.Test),
        };
        Assert.True(_task.Train("run", observer, configuration: configuration));
        Assert.InRange(observer.Steps[^1].Loss, 0, 0.5 * observer.Steps[0].Loss);
        Assert.InRange(Assert.Single(observer.Scores).Dice, 0.8, 1);
    }

    [Fact]
    public void Every_step_is_told_and_logged_with_its_losses_and_rate()
    {
        var observer = new Recorder();
        _task.Train("run", observer);
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (long)i), observer.Steps.Select(step => step.Iteration));
        Assert.All(observer.Steps, step => Assert.Equal(
            step.Loss, 0.5f * step.Parts.Sum(part => part.Value), 1e-5f));
        Assert.Equal(0.01, observer.Steps[4].LearningRate, 1e-9);
        Assert.Equal(0.001, observer.Steps[5].LearningRate, 1e-9);
        Assert.Equal([4L, 8, 12], observer.Scores.Select(scores => scores.Iteration));
        string[] log = _task.Log("run");
        Assert.Equal(15, log.Length);
        Assert.All(observer.Steps, step => Assert.Contains(log, line => line.Contains($"\"iteration\":{step.Iteration},\"loss\":")));
    }

    [Fact]
    public void The_run_holds_the_settings_the_network_and_the_best_network()
    {
        _task.Train("run");
        Assert.Equal(
            ["best.safetensors", "checkpoint.safetensors", "configuration.json", "log.jsonl", "model.safetensors"],
            Directory.GetFileSystemEntries(_task.Run("run")).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal(_task.Configuration, RunFolder.Open<TrainingConfiguration>(_task.Run("run")).Configuration);
        string model = Path.Combine(_task.Run("run"), "model.safetensors");
        Assert.Equal(_task.Configuration.Network, NetworkFile.Describe(model));
        using WeightFile file = WeightFile.Open(model);
        Assert.Equal(("12", "16x16x16", "background,box"),
            (file.Metadata["iteration"], file.Metadata["patch"], file.Metadata["classes"]));
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint()
    {
        var wild = _task.Configuration with { Sgd = new(LearningRate: 1e30), Schedule = new(ScheduleKind.Constant), CheckpointEvery = 1, Validation = null };
        string message = Assert.Throws<DivergedException>(() => _task.Train("run", configuration: wild)).Message;
        Assert.Contains("loss is", message);
        Assert.Contains("case", message);
        Assert.NotEmpty(_task.Checkpoint("run"));
    }

    [Fact]
    public void A_class_that_stays_empty_is_reported_once()
    {
        using var task = new SmallTask { Data = _task.Data with { Classes = ["background", "box", "dot"] } };
        var observer = new Recorder();
        var configuration = task.Configuration with
        {
            Network = new(Architecture.VNet, Filters: 4, Classes: 3),
            Loss = new(CrossEntropy: 1, Dice: 0),
            Schedule = new(ScheduleKind.Constant),
            Iterations = 40,
            Validation = new(4, new(16, 16, 16), ValidationCases.Test),
        };
        task.Train("run", observer, configuration: configuration);
        Assert.All(observer.Scores[^4..], scores => Assert.All(
            scores.Cases, scored => Assert.Equal((false, true), (scored.Classes[0].IsPredictionEmpty, scored.Classes[1].IsPredictionEmpty))));
        Assert.Contains("class 2 (dot) has collapsed", Assert.Single(observer.Warnings));
    }

    [Fact]
    public void A_folder_with_another_run_is_left_alone()
    {
        _task.Train("run");
        var before = Contents();
        string message = Assert.Throws<ArgumentException>(
            () => RunFolder.Create(_task.Run("run"), _task.Configuration)).Message;
        Assert.Contains("--resume", message);
        message = Assert.Throws<ArgumentException>(
            () => RunFolder.Open(_task.Run("run"), _task.Configuration with { Batch = 3 })).Message;
        Assert.Contains("batch", message);
        Assert.Equal(before, Contents());

        string[] Contents() => [.. Directory.GetFiles(_task.Run("run")).Order()
            .Select(file => file + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))))];
    }

    [Fact]
    public void A_folder_with_something_else_is_left_alone()
    {
        Directory.CreateDirectory(_task.Run("other"));
        File.WriteAllText(Path.Combine(_task.Run("other"), "thesis.tex"), "x");
        Assert.Contains("not empty", Assert.Throws<ArgumentException>(() => RunFolder.Create(_task.Run("other"), _task.Configuration)).Message);
        Assert.Single(Directory.GetFileSystemEntries(_task.Run("other")));
        Assert.Contains("no run", Assert.Throws<ArgumentException>(() => RunFolder.Open<TrainingConfiguration>(_task.Run("other"))).Message);
    }

    [Fact]
    public void Settings_that_do_not_fit_the_data_are_refused_before_anything_is_written()
    {
        Refused(_task.Configuration with { Network = new(Architecture.VNet, Classes: 3) }, "network.classes is 3");
        Refused(_task.Configuration with { Labelled = 7 }, "7 labelled");
        Refused(_task.Configuration with { Network = new(Architecture.VNet, Channels: 2) }, "network.channels is 2");

        void Refused(TrainingConfiguration configuration, string reason) => Assert.Contains(
            reason, Assert.Throws<ArgumentException>(() => Trainer.Check(configuration, _task.Data)).Message);
    }

    [Fact]
    public void A_case_that_cannot_be_read_stops_the_run_before_anything_is_written()
    {
        Case broken = new("broken", "broken", "broken");
        using var task = new SmallTask { Data = _task.Data with { Test = [broken], Validation = [broken] } };
        Assert.Contains("broken", Assert.Throws<BadDataException>(() => task.Train("run")).Message);
        Assert.False(Directory.Exists(task.Run("run")));
    }

    sealed class Recorder : ITrainingObserver
    {
        public List<TrainingStep> Steps { get; } = [];

        public List<ValidationScores> Scores { get; } = [];

        public List<string> Warnings { get; } = [];

        public void Stepped(TrainingStep step) => Steps.Add(step);

        public void Validated(ValidationScores scores) => Scores.Add(scores);

        public void Warn(string message) => Warnings.Add(message);
    }
}
