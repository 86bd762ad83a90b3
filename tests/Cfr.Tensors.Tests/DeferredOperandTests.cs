using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;
using Cfr.TestKit.Ptx;

namespace Cfr.Tensors.Tests;

/// <summary>What a product reads in bfloat16, stored so, beside the same stored in float32.</summary>
public sealed class DeferredOperandTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Enum.GetValues<Precision>()
        .ToDictionary(precision => precision, precision => new EmulatedDevice(precision) { SmallWork = 0 });

    /// <summary>What comes behind the norm.</summary>
    public enum Layers { Linear, Mlp, LowRank }

    public static TheoryData<Layers, int, bool, bool> Cases =>
    [
        .. from layers in Enum.GetValues<Layers>()
           from width in (int[])[16, 20, 11]
           from trained in ((bool Norm, bool Product)[])[(false, false), (true, false), (false, true), (true, true)]
           select new TheoryDataRow<Layers, int, bool, bool>(layers, width, trained.Norm, trained.Product),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Results_and_gradients_have_the_bits_of_a_norm_in_float32(
        Layers layers, int width, bool trainsNorm, bool trainsProduct)
    {
        float[][] want = Run(atOnce: true), got = Run(atOnce: false);
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], got[i]);

        float[][] Run(bool atOnce)
        {
            var session = new Session(Devices[Precision.BFloat16], seed: 5);
            using Scope scope = session.Scope();
            Tensor x = session.Uniform([2, 9, width], -1, 2).WithGrad();
            Tensor scale = session.Uniform([width], 0.5f, 2), shift = session.Uniform([width]);
            Tensor first = session.Normal([12, width]), second = session.Normal([10, 12]);
            Tensor a = session.Normal([2, width]).WithGrad(), b = session.Normal([5, 2]).WithGrad();
            foreach (Tensor tensor in (Tensor[])[scale, shift]) tensor.WithGrad(trainsNorm);
            foreach (Tensor tensor in (Tensor[])[first, second]) tensor.WithGrad(trainsProduct);
            Tensor norm = x.LayerNorm(scale, shift);
            if (atOnce) norm.ToArray();
            Tensor y = layers switch
            {
                Layers.Linear => norm.Linear(first),
                Layers.Mlp => norm.Mlp(first, null, Activation.Gelu, second),
                _ => norm.LowRankLinear(first, null, [new LowRankPart(3, a, b)]),
            };
            bool isPutOff = !atOnce && layers != Layers.LowRank;
            Assert.Equal(isPutOff, IsPutOff(norm));
            y.Backward(session.Uniform(y.Shape, -1, 1));
            Assert.Equal(isPutOff, IsPutOff(norm));
            return
            [
                y.ToArray(),
                .. ((Tensor[])[x, scale, shift, first, second, a, b]).Select(tensor => tensor.Grad?.ToArray() ?? []),
            ];
        }
    }

    /// <summary>Without relative positions and with them, in windows that hang over the edge, rows of one tile and of two.</summary>
    [Theory]
    [InlineData(5, false, 0), InlineData(16, false, 0), InlineData(7, true, 0), InlineData(24, true, 3)]
    [InlineData(40, true, 2), InlineData(5, true, 3)]
    public void So_have_results_behind_an_attention_without_gradients(int headWidth, bool hasPositions, int window) =>
        AssertSameBehindAttention(Devices[Precision.BFloat16], headWidth, hasPositions, window);

    [Fact]
    public void So_have_those_of_the_kernels_in_PTX()
    {
        using var device = new PtxDevice(Precision.BFloat16) { SmallWork = 0 };
        AssertSameBehindAttention(device, headWidth: 5, hasPositions: true, window: 3);
    }

    /// <summary>Of a layer norm, an attention and a product, where what is between them is stored in either type.</summary>
    static void AssertSameBehindAttention(Device device, int headWidth, bool hasPositions, int window)
    {
        Assert.Equal(Run(atOnce: true), Run(atOnce: false));

        float[] Run(bool atOnce)
        {
            const int Heads = 2, Height = 4, Width = 5;
            var session = new Session(device, seed: 8);
            using Scope scope = session.Scope();
            int channels = Heads * headWidth, down = window > 0 ? window : Height, across = window > 0 ? window : Width;
            Tensor? height = hasPositions ? session.Normal([2 * down - 1, headWidth]) : null;
            Tensor? width = hasPositions ? session.Normal([2 * across - 1, headWidth]) : null;
            Tensor norm = session.Normal([2, Height, Width, channels]).LayerNorm();
            if (atOnce) norm.ToArray();
            Tensor qkv = norm.Linear(session.Normal([3 * channels, channels]), putOff: true);
            if (atOnce) qkv.ToArray();
            Tensor found = qkv.SelfAttention(Heads, height, width, window, outside: session.Normal([3 * channels]));
            if (atOnce) found.ToArray();
            Tensor y = found.Linear(session.Normal([12, channels]));
            Assert.Equal(!atOnce, IsPutOff(qkv));
            Assert.Equal(!atOnce, IsPutOff(found));
            return y.ToArray();
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Attention_of_tokens_to_others_has_one_pass_with_gradients_and_without(bool trains)
    {
        var profiler = new Profiler();
        using var device = new ProfiledDevice(new EmulatedDevice(Precision.BFloat16) { SmallWork = 0 }, profiler);
        var session = new Session(device, seed: 8);
        using Scope scope = session.Scope();
        Tensor q = session.Normal([2, 9, 24]), k = session.Normal([2, 7, 24]), v = session.Normal([2, 7, 24]);
        Tensor found = q.WithGrad(trains).Attention(k, v, heads: 3), y = found.Linear(session.Normal([12, 24]));
        if (trains) y.Sum().Backward();
        Assert.Equal(!trains, IsPutOff(found));
        Assert.Equal(1, profiler.Rows(bySizes: false).Single(row => row.Name == "attention forward").Calls);
    }

    [Fact]
    public void Two_products_share_it_and_it_has_half_the_bytes()
    {
        var profiler = new Profiler();
        using var device = new ProfiledDevice(new EmulatedDevice(Precision.BFloat16) { SmallWork = 0 }, profiler);
        var session = new Session(device, seed: 2);
        using Scope scope = session.Scope();
        Tensor x = session.Normal([9, 16]), weight = session.Normal([12, 16]);
        profiler.Forget();
        Tensor y = x.LayerNorm();
        Assert.Equal(y.Linear(weight).ToArray(), y.Linear(weight).ToArray());
        ProfileRow row = profiler.Rows(bySizes: false).Single(row => row.Name == "layer norm forward");
        Assert.Equal((1, 9 * 16 * (4.0 + 2) + 2 * 9 * 4), (row.Calls, row.Bytes));
    }

    [Theory]
    [InlineData(Precision.Float32, 9, 12), InlineData(Precision.TF32, 9, 12), InlineData(Precision.BFloat16, 8, 12)]
    public void Where_products_take_float32_it_is_written_at_once(Precision precision, int rows, int width)
    {
        var session = new Session(Devices[precision], seed: 2);
        using Scope scope = session.Scope();
        Assert.False(IsPutOff(session.Normal([rows, width]).LayerNorm()));
    }

    [Fact]
    public void Anybody_else_gets_float32()
    {
        float[] want = Norm(Devices[Precision.Float32], isRead: false);
        Assert.Equal(want, Norm(Devices[Precision.BFloat16], isRead: false));
        Assert.Equal(want, Norm(Devices[Precision.BFloat16], isRead: true));

        static float[] Norm(Device device, bool isRead)
        {
            var session = new Session(device, seed: 3);
            using Scope scope = session.Scope();
            Tensor y = session.Normal([10, 20]).LayerNorm(), weight = session.Normal([12, 20]);
            Tensor? first = isRead ? y.Linear(weight) : null;
            float[] values = y.Reshape(5, 40).ToArray();
            Assert.False(IsPutOff(y));
            if (first is not null) Assert.Equal(first.ToArray(), y.Linear(weight).ToArray());
            return values;
        }
    }

    [Fact]
    public void A_product_that_takes_float32_has_it_made_so()
    {
        var session = new Session(Devices[Precision.BFloat16], seed: 3);
        using Scope scope = session.Scope();
        Tensor y = session.Normal([10, 20]).LayerNorm();
        Assert.True(IsPutOff(y));
        y.Linear(session.Normal([8, 20]));
        Assert.False(IsPutOff(y));
    }

    [Fact]
    public void What_it_is_made_of_may_change()
    {
        var session = new Session(Devices[Precision.BFloat16], seed: 3);
        using Scope scope = session.Scope();
        Weights weights = new(session), average = new(session);
        LayerNorm norm = new(weights / "norm", 20), ofAverage = new(average / "norm", 20);
        Tensor x = session.Normal([10, 20]), want = session.Empty(x.Shape);
        want.Set(norm.Forward(x).ToArray());
        Tensor filled = norm.Forward(x), optimised = norm.Forward(x), averaged = ofAverage.Forward(x);
        Assert.True(IsPutOff(averaged));
        var ema = new Ema(average, weights);
        norm.Forward(x).Linear(session.Normal([12, 20])).Sum().Backward();
        new Sgd(weights.Parameters, 0.5f).Step();
        Assert.Equal(want.ToArray(), optimised.ToArray());
        averaged = ofAverage.Forward(x);
        ema.Update(0);
        Assert.Equal(want.ToArray(), averaged.ToArray());
        x.Fill(1);
        Assert.Equal(want.ToArray(), filled.ToArray());
        Assert.NotEqual(want.ToArray(), norm.Forward(x).ToArray());
    }

    [Fact]
    public void A_gradient_needs_nobody_to_have_read_it()
    {
        float[] want = Gradient(Devices[Precision.Float32]), got = Gradient(Devices[Precision.BFloat16]);
        Assert.Equal(want, got);

        static float[] Gradient(Device device)
        {
            var session = new Session(device, seed: 3);
            using Scope scope = session.Scope();
            Tensor x = session.Normal([10, 20]).WithGrad();
            x.LayerNorm(session.Normal([20]), session.Normal([20])).Backward(session.Normal(x.Shape));
            return x.Grad!.ToArray();
        }
    }

    [Fact]
    public void A_checkpointed_block_has_the_same_gradients()
    {
        float[][] want = Run(checkpoints: false), got = Run(checkpoints: true);
        for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], got[i]);

        static float[][] Run(bool checkpoints)
        {
            var session = new Session(Devices[Precision.BFloat16], seed: 3);
            using Scope scope = session.Scope();
            Tensor x = session.Normal([10, 20]).WithGrad(), weight = session.Normal([12, 20]).WithGrad();
            Tensor y = checkpoints ? x.Checkpoint(Block) : Block(x);
            y.Backward(session.Normal(y.Shape));
            return [y.ToArray(), x.Grad!.ToArray(), weight.Grad!.ToArray()];

            Tensor Block(Tensor x) => x.LayerNorm().Linear(weight);
        }
    }

    [Fact]
    public void A_recording_makes_it_anew_in_each_replay()
    {
        using var device = new EmulatedDevice(Precision.BFloat16) { SmallWork = 0 };
        var session = new Session(device, seed: 3);
        using Scope scope = session.Scope();
        Tensor weight = session.Normal([12, 20]);
        Func<Tensor, Tensor>[] works = [x => x.LayerNorm(), x => x.LayerNorm().Linear(weight)];
        foreach (Func<Tensor, Tensor> work in works)
        {
            using var recorded = RecordedWork.Record(session, [session.Normal([10, 20])], inputs => work(inputs[0]));
            for (int i = 0; i < 2; i++)
            {
                Tensor x = session.Normal([10, 20]);
                Assert.Equal(work(x).ToArray(), recorded.Replay([x]).ToArray());
            }
        }
    }

    [Fact]
    public void Nothing_stays_behind()
    {
        using var device = new EmulatedDevice(Precision.BFloat16) { SmallWork = 0 };
        var session = new Session(device);
        using (session.Scope()) session.Normal([10, 20]).LayerNorm();
        using (session.Scope()) session.Normal([10, 20]).LayerNorm().Linear(session.Normal([12, 20]));
        using (session.Step())
        {
            Tensor x = session.Normal([10, 20]).WithGrad(), weight = session.Normal([12, 20]).WithGrad();
            x.LayerNorm().Linear(weight).Sum().Backward();
            x.LayerNorm().ToArray();
        }
        Assert.Equal(0, device.Pool.BytesInUse);
    }

    static bool IsPutOff(Tensor tensor) => tensor.In(DType.BFloat16) != tensor;
}
