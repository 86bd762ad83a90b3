using System.Text.Json.Nodes;
using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Tests.FineTuning;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>Whole trainings on GPUs, or on the emulator at the smallest sizes, beside the same on the processor.</summary>
public sealed class DeviceTrainingTests : IDisposable
{
    readonly SmallTask _task = new();

    public void Dispose() => _task.Dispose();

    /// <summary>Steps amplify what rounding begins with: some tens of units of the precision after three.</summary>
    [Theory]
    [InlineData(Precision.Float32, 1e-5)]
    [InlineData(Precision.TF32, 1e-2)]
    [InlineData(Precision.BFloat16, 5e-2)]
    public void A_network_trains_on_the_emulator_as_on_the_processor(Precision precision, double tolerance)
    {
        TrainingConfiguration settings = Tiny(_task.Configuration);
        Same(Losses("cpu", settings, () => new CpuDevice(1)), Losses("emulated", settings, () => Device.Open("emulated", precision)), tolerance);
    }

    [Fact]
    public void A_teacher_and_its_student_train_on_the_emulator_as_on_the_processor()
    {
        TrainingConfiguration settings = Tiny(_task.SemiSupervised(MethodKind.MeanTeacher) with { Batch = 2 });
        Same(Losses("cpu", settings, () => new CpuDevice(1)), Losses("emulated", settings, () => Device.Open("emulated")), 1e-5);
    }

    [Theory]
    [InlineData(Precision.Float32, 1e-4)]
    [InlineData(Precision.BFloat16, 5e-2)]
    public void Sam_is_fine_tuned_on_the_emulator_as_on_the_processor(Precision precision, double tolerance)
    {
        using var task = new SmallFineTuning
        {
            Configuration = new()
            {
                Sam = new(Model: SmallFineTuning.Sizes with { ImageSize = 32, Width = 16, PromptWidth = 16, DecoderHidden = 16 }),
                Labelled = 1,
                Iterations = 3,
                Batch = 1,
                Patch = new(8, 8, 16),
                AdamW = new(LearningRate: 1e-3),
                Schedule = new(ScheduleKind.Constant),
            },
        };
        Assert.True(task.Train("cpu"));
        Assert.True(task.Train("emulated", observer: new NoWarnings(), open: () => Device.Open("emulated", precision)));
        Same(Losses(task.Run("cpu")), Losses(task.Run("emulated")), tolerance);
    }

    [Theory]
    [InlineData(Precision.Float32, 1e-3)]
    [InlineData(Precision.TF32, 1e-2)]
    [InlineData(Precision.BFloat16, 5e-2)]
    public void On_a_GPU_sam_is_fine_tuned_as_on_the_processor(Precision precision, double tolerance)
    {
        using var task = new SmallFineTuning();
        Assert.True(task.Train("cuda", observer: new NoWarnings(), open: () => TestGpu.OpenOrSkip(precision)));
        Assert.True(task.Train("cpu"));
        Same(Losses(task.Run("cpu")), Losses(task.Run("cuda")), tolerance);
    }

    [Fact]
    public void On_a_GPU_the_same_seed_gives_the_same_bits_twice()
    {
        TrainingConfiguration settings = _task.SemiSupervised(MethodKind.MeanTeacher);
        foreach (string name in (string[])["first", "second"])
            Assert.True(_task.Train(name, configuration: settings, open: () => TestGpu.OpenOrSkip(Precision.BFloat16)));
        Assert.Equal(_task.Log("first"), _task.Log("second"));
        Assert.Equal(_task.Checkpoint("first"), _task.Checkpoint("second"));
    }

    [Fact]
    public void On_a_GPU_a_run_that_was_stopped_ends_with_the_same_bits()
    {
        TrainingConfiguration settings = _task.SemiSupervised(MethodKind.MeanTeacher);
        Assert.True(_task.Train("whole", configuration: settings, open: () => TestGpu.OpenOrSkip()));
        using (var stop = new CancellationTokenSource())
            Assert.False(_task.Train("stopped", new StopAfter(7, stop), stop, configuration: settings, open: () => TestGpu.OpenOrSkip()));
        Assert.True(_task.Train("stopped", configuration: settings, open: () => TestGpu.OpenOrSkip()));
        Assert.Equal(_task.Log("whole"), _task.Log("stopped"));
        Assert.Equal(_task.Checkpoint("whole"), _task.Checkpoint("stopped"));
    }

    /// <summary>
    /// A loss between 0 and 1 that halves in 50 steps: 2^-8 of each factor may move single steps by a tenth of it, and the
    /// curve by a fiftieth.
    /// </summary>
    [Theory, InlineData(MethodKind.Supervised), InlineData(MethodKind.MeanTeacher)]
    public void On_a_GPU_fifty_steps_in_bf16_follow_the_processor(MethodKind method)
    {
        TrainingConfiguration settings =
            (method == MethodKind.Supervised ? _task.Configuration : _task.SemiSupervised(method)) with
            {
                Network = new(Architecture.VNet, Filters: 4),
                Iterations = 50,
                Schedule = new(ScheduleKind.Constant),
                Validation = null,
            };
        float[] got = Losses("cuda", settings, () => TestGpu.OpenOrSkip(Precision.BFloat16)), want = Losses("cpu", settings, () => new CpuDevice());
        double[] apart = [.. want.Zip(got, (a, b) => Math.Abs((double)a - b))];
        Assert.True(apart.Max() < 0.1, $"step {Array.IndexOf(apart, apart.Max())} is off by {apart.Max():F3}");
        Assert.True(apart.Average() < 0.02, $"steps are off by {apart.Average():F4} on average");
    }

    static TrainingConfiguration Tiny(TrainingConfiguration settings) => settings with
    {
        Network = new(Architecture.VNet, Filters: 1),
        Iterations = 3,
        Schedule = new(ScheduleKind.Constant),
        Validation = null,
    };

    static void Same(float[] want, float[] got, double tolerance)
    {
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++)
            Assert.True(Math.Abs(want[i] - got[i]) <= tolerance * want[i], $"step {i}: {got[i]:G9}, expected {want[i]:G9} within {tolerance:E0}");
    }

    float[] Losses(string name, TrainingConfiguration settings, Func<Device> open)
    {
        Assert.True(_task.Train(name, new NoWarnings(), configuration: settings, open: open));
        return Losses(_task.Run(name));
    }

    static float[] Losses(string run) =>
        [.. SmallTask.LogOf(run).Select(line => JsonNode.Parse(line)!["loss"]).OfType<JsonValue>().Select(loss => (float)loss)];

    /// <summary>A step that cannot be recorded, or data that do not fit, would be one.</summary>
    sealed class NoWarnings : ITrainingObserver
    {
        public void Warn(string message) => Assert.Fail(message);
    }

    sealed class StopAfter(long iteration, CancellationTokenSource stop) : ITrainingObserver
    {
        public void Stepped(TrainingStep step)
        {
            if (step.Iteration >= iteration) stop.Cancel();
        }
    }
}
