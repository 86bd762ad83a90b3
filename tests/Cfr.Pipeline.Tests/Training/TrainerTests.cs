using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.Tensors.Files;
using Cfr.TestKit;

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
    public void Losses_that_were_computed_are_logged_though_the_next_step_fails()
    {
        var observer = new Recorder();
        using Device device = new AlteredDevice(new CpuDevice(1)) { IsLate = true };
        var session = new Session(device, _task.Configuration.Seed);
        var method = new FailsAt(4, Methods.Create(new MethodContext(session, _task.Configuration, _task.Data)));
        var trainer = new Trainer(
            session, _task.Configuration with { Validation = null }, method, _task.Data, new CaseStore(_task.Load),
            RunFolder.Create(_task.Run("run"), _task.Configuration));
        Assert.Throws<IOException>(() => trainer.Run(observer, TestContext.Current.CancellationToken));
        Assert.Equal([1, 2, 3, 4], observer.Steps.Select(step => step.Iteration));
        Assert.Equal(4, _task.Log("run").Length);
    }

    [Theory, InlineData(float.NaN), InlineData(float.NegativeInfinity)]
    public void Weights_that_are_no_numbers_are_never_saved(float value)
    {
        var configuration = _task.Configuration with { Iterations = 6, CheckpointEvery = 3, Validation = new(6, new(16, 16, 16)) };
        using Device device = new CpuDevice(1);
        var session = new Session(device, configuration.Seed);
        IMethod method = Methods.Create(new MethodContext(session, configuration, _task.Data));
        Weight spoiled = method.State.Values.Single()[3];
        var trainer = new Trainer(
            session, configuration, new SpoilsAt(5, spoiled, value, method), _task.Data, new CaseStore(_task.Load),
            RunFolder.Create(_task.Run("run"), configuration));
        string message = Assert.Throws<DivergedException>(
            () => trainer.Run(new SmallTask.Silent(), TestContext.Current.CancellationToken)).Message;
        Assert.StartsWith($"iteration 6: the weight {spoiled.Name} of {method.State.Keys.Single()} is no number any more; the run stops", message);
        Assert.Equal(3, Checkpoint.Iteration(Path.Combine(_task.Run("run"), "checkpoint.safetensors")));
        using WeightFile model = WeightFile.Open(Path.Combine(_task.Run("run"), "model.safetensors"));
        Assert.Equal("3", model.Metadata["iteration"]);
        Assert.False(File.Exists(Path.Combine(_task.Run("run"), "best.safetensors")));
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

    /// <summary>A method that does as another.</summary>
    abstract class Altered(IMethod method) : IMethod
    {
        public IVolumeNetwork Network => method.Network;

        public IReadOnlyList<Case> Cases => method.Cases;

        public IBatchSampler Sampler => method.Sampler;

        public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State => method.State;

        public IReadOnlyDictionary<string, Optimizer> Optimizers => method.Optimizers;

        public virtual StepInputs Inputs(Batch batch, long iteration) => method.Inputs(batch, iteration);

        public Losses Losses(StepInputs inputs) => method.Losses(inputs);

        public virtual void AfterStep(long iteration) => method.AfterStep(iteration);
    }

    sealed class FailsAt(long failing, IMethod method) : Altered(method)
    {
        public override StepInputs Inputs(Batch batch, long iteration) =>
            iteration == failing ? throw new IOException("a volume cannot be read") : base.Inputs(batch, iteration);
    }

    /// <summary>As an update may that is too large.</summary>
    sealed class SpoilsAt(long spoiling, Weight weight, float value, IMethod method) : Altered(method)
    {
        public override void AfterStep(long iteration)
        {
            base.AfterStep(iteration);
            if (iteration != spoiling) return;
            float[] values = weight.Tensor.ToArray();
            values[^1] = value;
            weight.Tensor.Set(values);
        }
    }
}
