using Cfr.Kernels;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>Steps as the trainer does them on a GPU, recorded and replayed, on the emulator.</summary>
public sealed class StepRunnerTests : IDisposable
{
    /// <summary>Two launch by launch, two replayed.</summary>
    const int Steps = 4;

    readonly SmallTask _task = new();

    public void Dispose() => _task.Dispose();

    /// <summary>ACMT has a teacher and its noise, too.</summary>
    [Theory]
    [InlineData(MethodKind.Supervised, 2)]
    [InlineData(MethodKind.Acmt, 4)]
    public void Replayed_steps_have_the_bits_of_steps_done_launch_by_launch(MethodKind kind, int batch)
    {
        using Device emulated = new AlteredDevice(Device.Open("emulated")) { HasPlainWeightGradients = true };
        SameBits(emulated, kind, batch);
    }

    [Theory, InlineData(Precision.Float32), InlineData(Precision.BFloat16)]
    public void On_a_GPU_too(Precision precision)
    {
        using Device gpu = TestGpu.OpenOrSkip(precision);
        SameBits(gpu, MethodKind.Supervised, batch: 2);
        SameBits(gpu, MethodKind.MeanTeacher, batch: 4);
        SameBits(gpu, MethodKind.Acmt, batch: 4);
    }

    [Fact]
    public void A_step_that_reads_on_the_host_is_named_and_goes_on_launch_by_launch()
    {
        using Device emulated = Device.Open("emulated");
        var warnings = new List<string>();
        float[] eager = Sums(new OneWeight(new Session(Device.Open("cpu"))), _ => 3, warnings);
        Assert.Empty(warnings);
        Assert.Equal(eager, Sums(new OneWeight(new Session(emulated)), _ => 3, warnings));
        Assert.Empty(warnings);
        Assert.Equal(eager, Sums(new OneWeight(new Session(emulated)) { Looks = true }, _ => 3, warnings));
        Assert.Equal(
            ["steps are launched kernel by kernel, not as one graph: a copy to the host cannot be part of a captured graph"],
            warnings);
    }

    [Fact]
    public void Batches_of_another_size_end_the_recording()
    {
        using Device emulated = Device.Open("emulated");
        var warnings = new List<string>();
        float[] got = Sums(new OneWeight(new Session(emulated)), Size, warnings);
        Assert.Equal("steps are launched kernel by kernel, not as one graph: its batches have several sizes", Assert.Single(warnings));
        Assert.Equal(Sums(new OneWeight(new Session(Device.Open("cpu"))), Size, []), got);

        static int Size(int step) => step < 5 ? 3 : 2;
    }

    [Fact]
    public void A_graph_that_the_driver_refuses_is_named_and_steps_go_on_launch_by_launch()
    {
        using var device = new AlteredDevice(Device.Open("emulated")) { RefusesGraphs = true };
        var warnings = new List<string>();
        Assert.Equal(Sums(new OneWeight(new Session(Device.Open("cpu"))), _ => 3, []), Sums(new OneWeight(new Session(device)), _ => 3, warnings));
        Assert.StartsWith(
            "steps are launched kernel by kernel, not as one graph: a graph of launches: CUDA", Assert.Single(warnings));
    }

    [Fact]
    public void A_device_that_is_lost_while_steps_are_recorded_ends_them()
    {
        using var device = new AlteredDevice(Device.Open("emulated")) { RefusesGraphs = true, IsLost = true };
        var warnings = new List<string>();
        string message = Assert.Throws<CudaException>(() => Sums(new OneWeight(new Session(device)), _ => 3, warnings)).Message;
        Assert.StartsWith("a kernel failed", message);
        Assert.Empty(warnings);
    }

    [Fact]
    public void A_recording_that_is_released_lends_its_memory_and_is_made_anew()
    {
        using Device emulated = Device.Open("emulated");
        var warnings = new List<string>();
        var method = new OneWeight(new Session(emulated));
        using var runner = new StepRunner(method.Network.Weights.Session, method, warnings.Add);
        float[] got = Sums(method, runner, 0, 5, _ => 3);
        Assert.True(runner.Replays);
        long recorded = emulated.Pool.BytesInUse, reserved = emulated.Pool.ReservedBytes;
        runner.Release();
        Assert.InRange(emulated.Pool.BytesInUse, 0, recorded - 1);
        DeviceBuffer[] all = [.. Enumerable.Range(0, (int)((reserved - emulated.Pool.BytesInUse) / 256)).Select(_ => emulated.Pool.Rent(256))];
        Assert.Equal(reserved, emulated.Pool.ReservedBytes);
        foreach (DeviceBuffer buffer in all) buffer.Release();
        got = [.. got, .. Sums(method, runner, 5, 3, _ => 3)];
        Assert.True(runner.Replays);
        Assert.Equal(Sums(new OneWeight(new Session(Device.Open("cpu"))), _ => 3, []), got);
        Assert.Empty(warnings);
    }

    /// <summary>The losses of eight steps, with another rate in each.</summary>
    static float[] Sums(OneWeight method, Func<int, int> size, List<string> warnings)
    {
        using var runner = new StepRunner(method.Network.Weights.Session, method, warnings.Add);
        return Sums(method, runner, 0, 8, size);
    }

    static float[] Sums(OneWeight method, StepRunner runner, int first, int count, Func<int, int> size)
    {
        Session session = method.Network.Weights.Session;
        return
        [
            .. Enumerable.Range(first, count).Select(step =>
            {
                using Scope scope = session.Step();
                Tensor images = session.Full([size(step)], 1 + step), labels = session.Zeros([1], DType.Int32);
                return runner.Run(new StepInputs(images, labels, session.Full([1], step)), step, 1f / (8 + step)).Values.Wait()[0];
            }),
        ];
    }

    /// <summary>L = sum of w x, plus the step's number.</summary>
    sealed class OneWeight : IMethod, IVolumeNetwork
    {
        readonly Tensor _weight;

        public OneWeight(Session session)
        {
            Weights = new Weights(session, seed: 1);
            _weight = Weights.Parameter("w", [1], Initialize.Normal(1));
            Optimizers = new Dictionary<string, Optimizer> { ["it"] = new Sgd(Weights.Parameters, 1, momentum: 0.5f) };
        }

        /// <summary>Whether it looks at its loss on the host.</summary>
        public bool Looks { get; init; }

        public Weights Weights { get; }

        public IVolumeNetwork Network => this;

        public IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

        public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State => new Dictionary<string, IReadOnlyList<Weight>>();

        public IReadOnlyList<Case> Cases => [];

        public IBatchSampler Sampler => throw new NotSupportedException();

        public string Name => "one weight";

        public int Classes => 1;

        public StepInputs Inputs(Batch batch, long iteration) => throw new NotSupportedException();

        public Losses Losses(StepInputs inputs)
        {
            Tensor loss = (inputs.Images * _weight).Sum() + inputs.Numbers!.Sum();
            if (Looks) loss.Item();
            return new Losses(loss, []);
        }

        public Tensor Logits(Tensor patches) => throw new NotSupportedException();

        public void Save(string path, IReadOnlyDictionary<string, string> notes) => throw new NotSupportedException();
    }

    void SameBits(Device device, MethodKind kind, int batch)
    {
        TrainingConfiguration settings = Settings(kind) with { Acmt = new(AmbiguityKind.Uncertainty, Passes: 2), Batch = batch };
        var (session, method) = Create(device, settings);
        using var runner = new StepRunner(session, method, message => Assert.Fail(message));
        var replayed = new List<float[]>();
        Each(session, method, settings, (inputs, iteration) =>
            replayed.Add(runner.Run(inputs, iteration, Rate(iteration)).Values.Wait()));
        Assert.True(runner.Replays);

        var (other, eager) = Create(device, settings);
        var losses = new List<float[]>();
        Each(other, eager, settings, (inputs, iteration) =>
        {
            Losses found = eager.Losses(inputs);
            losses.Add([found.Total.Item(), .. found.Parts.Select(part => part.Value.Item())]);
            found.Total.Backward();
            eager.Step(Rate(iteration));
            eager.ClearGradients();
            eager.AfterStep(iteration);
        });
        Assert.Equal(losses, replayed);
        Assert.Equal(Steps, losses.Select(values => values[0]).Distinct().Count());
        Assert.Equal(other.Random.Draws, session.Random.Draws);
        foreach (var (name, weights) in eager.State)
            Assert.Equal(
                weights.Select(weight => weight.Tensor.ToArray()), method.State[name].Select(weight => weight.Tensor.ToArray()));
    }

    TrainingConfiguration Settings(MethodKind kind)
    {
        var settings = kind == MethodKind.Supervised ? _task.Configuration : _task.SemiSupervised(kind);
        return settings with { Network = new(Architecture.VNet, Filters: 1), Consistency = new(Weight: 5, Every: 1, Length: 4) };
    }

    (Session, IMethod) Create(Device device, TrainingConfiguration settings)
    {
        var session = new Session(device, settings.Seed);
        return (session, Methods.Create(new MethodContext(session, settings, _task.Data)));
    }

    void Each(Session session, IMethod method, TrainingConfiguration settings, Action<StepInputs, long> step)
    {
        using var loader = new BatchLoader(
            method.Cases, new CaseStore(_task.Load), method.Sampler, new(settings.Patch, settings.RotateFlip), settings.Seed);
        for (int iteration = 0; iteration < Steps; iteration++)
        {
            using Scope scope = session.Step();
            using Batch batch = loader.Next(TestContext.Current.CancellationToken);
            step(method.Inputs(batch, iteration), iteration);
        }
    }

    static float Rate(long iteration) => 0.1f / (1 + iteration);
}
