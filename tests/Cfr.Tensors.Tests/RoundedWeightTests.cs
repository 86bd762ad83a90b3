using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;

namespace Cfr.Tensors.Tests;

/// <summary>Products with weights that nothing trains, beside the same with weights that a pass backward trains.</summary>
public sealed class RoundedWeightTests
{
    const int Inputs = 24, Outputs = 16;

    static readonly Profiler Profiler = new();
    static readonly ProfiledDevice Device =
        new(new EmulatedDevice(Precision.BFloat16) { SmallWork = 0 }, Profiler);

    readonly Session _session = new(Device, seed: 11);

    public RoundedWeightTests() => Profiler.Forget();

    /// <summary>What holds weights.</summary>
    public enum Layers { Linear, Mlp, LowRank }

    [Theory, InlineData(Layers.Linear, 1), InlineData(Layers.Mlp, 2), InlineData(Layers.LowRank, 1)]
    public void They_are_rounded_once_for_passes_forward_and_backward(Layers layers, int weights)
    {
        using Scope scope = _session.Scope();
        Tensor x = Numbers(9, Inputs), dy = Numbers(9, Outputs), a = Numbers(2, Inputs), b = Numbers(5, 2);
        Tensor hidden = Numbers(Inputs, Inputs), weight = Numbers(Outputs, Inputs);
        float[][] want = Pass(trained: true);
        Assert.Equal(0, Rounds);
        float[][] got = Pass(trained: false), again = Pass(trained: false);
        Assert.Equal(want, got);
        Assert.Equal(want, again);
        Assert.Equal(weights, Rounds);

        float[][] Pass(bool trained)
        {
            x.WithGrad().ClearGrad();
            foreach (Tensor tensor in (Tensor[])[hidden, weight]) tensor.WithGrad(trained);
            Tensor y = layers switch
            {
                Layers.Linear => x.Linear(weight),
                Layers.Mlp => x.Mlp(hidden, null, Activation.Gelu, weight),
                _ => x.LowRankLinear(weight, null, [new LowRankPart(3, a, b)]),
            };
            y.Backward(dy);
            return [y.ToArray(), x.Grad!.ToArray()];
        }
    }

    [Fact]
    public void Weights_that_could_be_trained_are_rounded_once_where_no_gradients_are_wanted()
    {
        using Scope scope = _session.Scope();
        Tensor x = Numbers(9, Inputs), weight = Numbers(Outputs, Inputs).WithGrad();
        float[] want = x.Linear(weight).ToArray();
        using Session.GradMode mode = _session.NoGrad();
        for (int pass = 0; pass < 2; pass++) Assert.Equal(want, x.Linear(weight).ToArray());
        Assert.Equal(1, Rounds);
    }

    /// <summary>What changes a weight in its place.</summary>
    public enum Change { Set, Fill, Optimizer, Ema }

    public static TheoryData<Change, bool> Changes =>
        [.. Enum.GetValues<Change>().SelectMany(change => ((bool[])[false, true]).Select(r => (change, r)))];

    [Theory, MemberData(nameof(Changes))]
    public void An_overwritten_weight_is_rounded_anew(Change change, bool isReplayed)
    {
        var weights = new Weights(_session);
        Tensor weight = weights.Parameter("weight", [Outputs, Inputs], Initialize.Uniform(1));
        var others = new Weights(_session);
        others.Parameter("weight", [Outputs, Inputs], Initialize.Uniform(1));
        Tensor x = Numbers(9, Inputs);
        float[] before = Product().ToArray();
        using RecordedWork? recorded = isReplayed ? RecordedWork.Record(_session, [x], _ => Product()) : null;
        for (int step = 0; step < 2; step++)
        {
            Overwrite();
            float[] got = (recorded is null ? Product() : recorded.Replay([x])).ToArray();
            Assert.NotEqual(before, got);
            Assert.Equal(step + 2, Rounds);
            Assert.Equal(x.Linear(weight).ToArray(), got); // of a weight in training
            before = got;
        }

        Tensor Product()
        {
            using Session.GradMode mode = _session.NoGrad();
            return x.Linear(weight);
        }

        void Overwrite()
        {
            if (change == Change.Set)
                weight.Set([.. weight.ToArray().Select(value => value + 1)]);
            else if (change == Change.Fill)
                weight.Fill(before[0]);
            else if (change == Change.Ema)
                new Ema(weights, others).Update(0.5f);
            else
            {
                x.Linear(weight).Sum().Backward();
                new Sgd(weights.Parameters, learningRate: 0.1f).Step();
            }
        }
    }

    [Fact]
    public void One_that_was_not_rounded_before_a_recording_is_rounded_in_each_replay()
    {
        Tensor x = Numbers(9, Inputs), weight = Numbers(Outputs, Inputs);
        using RecordedWork recorded = RecordedWork.Record(_session, [x], inputs => inputs[0].Linear(weight));
        Assert.Equal(0, Rounds);
        Assert.Equal(x.Linear(weight).ToArray(), recorded.Replay([x]).ToArray());
        weight.Fill(2);
        Assert.Equal(x.Linear(weight).ToArray(), recorded.Replay([x]).ToArray());
    }

    [Fact]
    public void What_a_replay_overwrites_is_rounded_anew()
    {
        var weights = new Weights(_session);
        Tensor trained = weights.Parameter("weight", [Outputs, Inputs], Initialize.Uniform(1));
        var optimizer = new Sgd(weights.Parameters, learningRate: 0.1f);
        Tensor x = Numbers(9, Inputs), filled = Numbers(Outputs, Inputs);
        Tensor first = Numbers(Outputs, Inputs), second = Numbers(Outputs, Inputs);
        Step(x);
        x.Linear(filled).ToArray();
        using RecordedWork step = RecordedWork.Record(_session, [x], inputs => Step(inputs[0]));
        using RecordedWork twice = RecordedWork.Record(_session, [first], inputs => inputs[0] + inputs[0]);
        using RecordedWork fill = RecordedWork.Record(_session, [x], inputs =>
        {
            Tensor y = inputs[0].Linear(filled);
            filled.Fill(3);
            return y;
        });
        for (int i = 0; i < 2; i++)
        {
            step.Replay([x]);
            float[] want = x.Linear(trained).ToArray();
            using (_session.NoGrad()) Assert.Equal(want, x.Linear(trained).ToArray());
        }
        Assert.Equal(x.Linear(first + first).ToArray(), x.Linear(twice.Replay([first])).ToArray());
        Assert.Equal(x.Linear(second + second).ToArray(), x.Linear(twice.Replay([second])).ToArray());
        float[] before = x.Linear(Copy(filled)).ToArray();
        Assert.Equal(before, fill.Replay([x]).ToArray());
        Assert.Equal(x.Linear(Copy(filled)).ToArray(), fill.Replay([x]).ToArray());

        Tensor Step(Tensor input)
        {
            trained.ClearGrad();
            Tensor loss = input.Linear(trained).Sum();
            loss.Backward();
            optimizer.Step();
            return loss.Detach();
        }

        Tensor Copy(Tensor weight) => _session.Tensor(weight.ToArray(), weight.Shape);
    }

    [Fact]
    public void Of_a_run_of_rows_nothing_is_kept_and_a_run_of_the_first_does_not_stand_for_all()
    {
        using Scope scope = _session.Scope();
        Tensor x = Numbers(9, Inputs), all = Numbers(2 * Outputs, Inputs);
        Tensor first = all.Slice(0, 0, Outputs), second = all.Slice(0, Outputs, Outputs);
        float[] want = [.. Both().SelectMany(y => y)], got = [.. Both().SelectMany(y => y)];
        Assert.Equal(want, got);
        Assert.Equal(Rows(want[..(9 * Outputs)], want[(9 * Outputs)..]), x.Linear(all).ToArray());

        float[][] Both() => [x.Linear(first).ToArray(), x.Linear(second).ToArray()];

        static float[] Rows(float[] left, float[] right) =>
            [.. Enumerable.Range(0, 9).SelectMany(row => left[(row * Outputs)..((row + 1) * Outputs)]
                .Concat(right[(row * Outputs)..((row + 1) * Outputs)]))];
    }

    [Fact]
    public void A_checkpointed_pass_forward_keeps_nothing_of_a_weight_in_training()
    {
        Tensor weight = Numbers(Outputs, Inputs).WithGrad();
        using Scope scope = _session.Step();
        Numbers(9, Inputs).WithGrad().Checkpoint(x => x.Linear(weight)).Sum().Backward();
        Assert.Equal(0, Rounds);
    }

    [Fact]
    public void Its_memory_goes_when_the_weight_goes()
    {
        Tensor x = Numbers(9, Inputs);
        long before = Device.Pool.BytesInUse;
        using (_session.Scope())
        {
            x.Linear(Numbers(Outputs, Inputs)).ToArray();
            Assert.Equal(1, Rounds);
        }
        Assert.Equal(before, Device.Pool.BytesInUse);
    }

    int Rounds => (int)Profiler.Rows(bySizes: false).Where(row => row.Name == "round").Sum(row => row.Calls);

    Tensor Numbers(int rows, int columns) => _session.Uniform([rows, columns], -1, 1);
}
