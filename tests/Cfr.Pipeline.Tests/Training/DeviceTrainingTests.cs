using System.Text.Json.Nodes;
using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Tests.FineTuning;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>Whole trainings on GPUs, or on the emulator at the smallest sizes, beside the same on the processor.</summary>
public sealed class DeviceTrainingTests : IDisposable
{
    readonly SmallTask _task = new();

    public void Dispose() => _task.Dispose();

    /// <summary>
    /// Steps amplify what rounding begins with: some tens of units of the precision. In bfloat16 two steps with the kernels
    /// that a GPU would choose; three, the last of which is replayed, with those that the emulator is quick at.
    /// </summary>
    [Theory]
    [InlineData(Precision.Float32, 3, 1e-5)]
    [InlineData(Precision.BFloat16, 2, 5e-2)]
    public void A_network_trains_on_the_emulator_as_on_the_processor(Precision precision, int steps, double tolerance)
    {
        TrainingConfiguration settings = Tiny(_task.Configuration) with { Iterations = steps };
        Same(
            Losses("cpu", settings, () => new CpuDevice(1)),
            Losses("emulated", settings, () => precision == Precision.Float32 ? Quick() : Device.Open("emulated", precision)), tolerance);
    }

    [Fact]
    public void A_teacher_and_its_student_train_on_the_emulator_as_on_the_processor()
    {
        TrainingConfiguration settings = Tiny(_task.SemiSupervised(MethodKind.MeanTeacher) with { Batch = 2 });
        Same(Losses("cpu", settings, () => new CpuDevice(1)), Losses("emulated", settings, Quick), 1e-5);
    }

    static Device Quick() => new AlteredDevice(Device.Open("emulated")) { HasPlainWeightGradients = true };

    [Theory]
    [InlineData(Precision.Float32, 1e-4)]
    [InlineData(Precision.BFloat16, 5e-2)]
    public void Sam_is_fine_tuned_on_the_emulator_as_on_the_processor(Precision precision, double tolerance)
    {
        using var task = new SmallFineTuning
        {
            Configuration = new()
            {
                Sam = new(Model: SmallFineTuning.Sizes with { ImageSize = 16, Width = 16, PromptWidth = 16, DecoderHidden = 16 }),
                Labelled = 1,
                Iterations = 3,
                Batch = 1,
                Patch = new(4, 4, 16),
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

    [Theory, InlineData(Recipe.MeanTeacher), InlineData(Recipe.Sam)]
    public void On_a_GPU_the_same_seed_gives_the_same_bits_twice(Recipe recipe)
    {
        foreach (string name in (string[])["first", "second"])
            Run(recipe, name, steps: 12, () => TestGpu.OpenOrSkip(Precision.BFloat16));
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
    /// A loss of about 0.5 that halves in 50 steps. With factors of 8 bits on the processor, single steps move by 0.003 and the
    /// curve by 0.001: some times that is allowed. Patches are so large that batch norm's means are of 16 voxels at the
    /// bottom; of two, they are as good as signs, and the last bit of float32 already leads elsewhere.
    /// </summary>
    [Theory, InlineData(Recipe.VNet), InlineData(Recipe.MeanTeacher), InlineData(Recipe.Sam)]
    public void On_a_GPU_fifty_steps_in_bf16_follow_the_processor(Recipe recipe)
    {
        const double MostApart = 0.02, MeanApart = 0.005;
        float[] got = Run(recipe, "cuda", steps: 50, () => TestGpu.OpenOrSkip(Precision.BFloat16));
        float[] want = Run(recipe, "cpu", steps: 50, () => new CpuDevice());
        double[] apart = [.. want.Zip(got, (a, b) => Math.Abs((double)a - b))];
        Assert.True(apart.Max() < MostApart, $"step {Array.IndexOf(apart, apart.Max())} is off by {apart.Max():F3}");
        Assert.True(apart.Average() < MeanApart, $"steps are off by {apart.Average():F4} on average");
        Assert.InRange(want[^5..].Average(), 0, 0.8 * want[0]);
    }

    /// <summary>What is trained.</summary>
    public enum Recipe { VNet, MeanTeacher, Sam }

    /// <summary>The losses of a run of so many steps at a constant rate.</summary>
    float[] Run(Recipe recipe, string name, int steps, Func<Device> open)
    {
        if (recipe == Recipe.Sam)
        {
            var sam = new SmallFineTuning(_task);
            FineTuningConfiguration tuning = sam.Configuration with { Iterations = steps, Schedule = new(ScheduleKind.Constant), Validation = null };
            Assert.True(sam.Train(name, tuning, new NoWarnings(), open: open));
            return Losses(_task.Run(name));
        }
        TrainingConfiguration settings = _task.SemiSupervised(recipe == Recipe.VNet ? MethodKind.Supervised : MethodKind.MeanTeacher);
        return Losses(name, settings with
        {
            Network = new(Architecture.VNet, Filters: 4),
            Patch = new(32, 32, 16),
            Iterations = steps,
            Schedule = new(ScheduleKind.Constant),
            Validation = null,
        }, open);
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
