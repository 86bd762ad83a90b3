using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Gradients of a pointwise convolution of few outputs, which a GPU leaves to the norm before it.</summary>
public sealed class DeferredProductTests
{
    static readonly EmulatedDevice Gpu = new() { SmallWork = 0 };

    static readonly Shape Sizes = [3, 2, 5, 3, 12];

    [Theory]
    [InlineData(1, 0f, false), InlineData(2, 0f, true), InlineData(2, 0.5f, false), InlineData(1, 0.3f, true)]
    [InlineData(2, 1f, false)]
    public void A_norm_computes_the_gradient_that_it_reads(int outputs, float rate, bool eachSample)
    {
        using var cpu = new CpuDevice(1);
        float[][] want = Run(cpu, outputs, rate, eachSample, Between.Nothing);
        float[][] got = Run(Gpu, outputs, rate, eachSample, Between.Nothing);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * largest);
        }
    }

    [Theory]
    [InlineData(1, 0f, true), InlineData(2, 0f, false), InlineData(2, 0.5f, true), InlineData(2, 0.5f, false)]
    public void Its_bits_are_those_of_a_gradient_that_is_stored(int outputs, float rate, bool eachSample)
    {
        float[][] want = Run(Gpu, outputs, rate, eachSample, Between.AnotherOp);
        float[][] got = Run(Gpu, outputs, rate, eachSample, Between.Nothing);
        for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], got[i]);
    }

    [Theory]
    [InlineData(0f, false), InlineData(0.5f, false), InlineData(0.4f, true)]
    public void Two_heads_add_their_gradients(float rate, bool eachSample)
    {
        using var cpu = new CpuDevice(1);
        float[][] want = Run(cpu, 2, rate, eachSample, Between.SecondHead);
        float[][] got = Run(Gpu, 2, rate, eachSample, Between.SecondHead);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * largest);
        }
    }

    [Theory]
    [InlineData(2, 8, true), InlineData(1, 12, true), InlineData(3, 8, false), InlineData(2, 6, false)]
    public void It_is_never_stored_for_one_or_two_outputs_of_packets_of_channels(int outputs, int channels, bool expected)
    {
        var profiler = new Profiler();
        using var device = new ProfiledDevice(new EmulatedDevice { SmallWork = 0 }, profiler);
        var session = new Session(device, seed: 4);
        using Scope scope = session.Scope();
        Tensor x = session.Uniform([2, 3, 2, 5, channels], -1, 2).WithGrad();
        Tensor y = Norm(x + 0, null, null, false).Conv3d(session.Uniform([1, 1, 1, channels, outputs], -1, 1));
        y.Backward(session.Uniform(y.Shape, -1, 1));
        string[] products = ["convolution input gradient", "matmul"];
        Assert.Equal(!expected, profiler.Rows(bySizes: false).Any(row => products.Contains(row.Name)));
    }

    [Theory, InlineData(false, false), InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    public void Under_another_shape_it_is_the_gradient_that_it_would_have_been(bool eachSample, bool dropsFirst)
    {
        using var cpu = new CpuDevice(1);
        float[] want = Run(cpu), got = Run(Gpu);
        float largest = want.Max(Math.Abs);
        Assert.InRange(want.Zip(got, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * largest);

        float[] Run(Device device)
        {
            var session = new Session(device, seed: 5);
            using Scope scope = session.Scope();
            Tensor x = session.Uniform(Sizes, -1, 2).WithGrad(), a = Norm(x + 0, null, null, eachSample);
            a = dropsFirst
                ? a.ChannelDropout(0.5f).Reshape(3, 2, 5, 1, 36)
                : a.Reshape(6, 1, 5, 3, 12).ChannelDropout(0.5f);
            Tensor y = a.Conv3d(session.Uniform([1, 1, 1, a.Size(^1), 2], -1, 1));
            y.Backward(session.Uniform(y.Shape, -1, 1));
            return x.Grad!.ToArray();
        }
    }

    [Fact]
    public void What_nobody_reads_leaves_no_memory_behind()
    {
        using var device = new EmulatedDevice { SmallWork = 0 };
        var session = new Session(device, seed: 6);
        using (session.Scope())
        {
            Tensor x = session.Normal(Sizes).WithGrad();
            x.Conv3d(session.Normal([1, 1, 1, 12, 2])).Sum().Backward();
            x.ClearGrad();
        }
        Assert.Equal(0, device.Pool.BytesInUse);
    }

    /// <summary>What is between the norm and the convolution, beside dropout.</summary>
    enum Between
    {
        Nothing,
        AnotherOp,
        SecondHead,
    }

    /// <summary>All gradients of a pointwise convolution of dropped channels of relu(norm x).</summary>
    static float[][] Run(Device device, int outputs, float rate, bool eachSample, Between between)
    {
        var session = new Session(device, seed: 3);
        using Scope scope = session.Scope();
        Tensor x = session.Uniform(Sizes, -1, 2).WithGrad(), scale = session.Uniform([12], 0.5f, 2).WithGrad();
        Tensor bias = session.Uniform([12], -0.5f, 1).WithGrad();
        Tensor weight = session.Uniform([1, 1, 1, 12, outputs], -1, 1).WithGrad();
        Tensor dy = session.Uniform([.. Sizes[..^1], outputs], -1, 1), second = session.Uniform(weight.Shape, -1, 1);
        Tensor a = Norm(x + 0, scale, bias, eachSample);
        if (between == Between.AnotherOp) a = a.Affine(1, 0);
        a = a.ChannelDropout(rate);
        Tensor y = a.Conv3d(weight);
        if (between == Between.SecondHead) y += a.Conv3d(second);
        y.Backward(dy);
        return
        [
            x.Grad!.ToArray(), scale.Grad!.ToArray(), bias.Grad!.ToArray(), weight.Grad!.ToArray(),
        ];
    }

    static Tensor Norm(Tensor x, Tensor? weight, Tensor? bias, bool eachSample) => eachSample
        ? x.InstanceNorm(weight, bias, activation: Activation.Relu)
        : x.BatchNormTraining(weight, bias, activation: Activation.Relu);
}
