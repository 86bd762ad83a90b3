using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Convolutions on warp groups, as the emulator and as the interpreter of the PTX runs them; against double precision,
/// with factors that bfloat16 rounds no more.
/// </summary>
public class WarpgroupConvolutionTests
{
    static readonly Extent Taps = new(3, 3, 3), Unit = new(1, 1, 1);

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["a box"] = new(1, new Extent(4, 8, 8), 16, new Extent(4, 8, 8), 64, Taps, Unit, Unit),
        ["odd channels"] = new(1, new Extent(3, 5, 4), 70, new Extent(3, 5, 4), 41, Taps, Unit, Unit),
        ["several boxes"] = new(1, new Extent(5, 9, 11), 40, new Extent(5, 9, 11), 24, Taps, Unit, Unit),
        ["a batch without padding"] = new(2, new Extent(3, 5, 11), 24, new Extent(1, 3, 9), 68, Taps, Unit, default),
    };

    /// <summary>The emulator takes long: one shape there, of several chunks and groups of channels.</summary>
    public static TheoryData<string, string> Ways =>
        [.. Shapes.Keys.Select(shape => ("ptx", shape)), ("emulated", "odd channels")];

    [Theory, MemberData(nameof(Ways))]
    public void Either_pass_matches_double_precision(string deviceName, string shapeName)
    {
        using GpuDevice device = Emulated.Hopper(deviceName);
        ConvolutionShape shape = Shapes[shapeName];
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        float[] x = Rounded(inputs, 1), w = Rounded(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        float[] dy = Rounded(outputs, 3), bias = Numbers.Draw(shape.OutChannels, 4);
        double[] wantY = new double[outputs], wantDx = new double[inputs];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), bias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), [], wantDx);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View weights = operands.Of(w), y = operands.Output(outputs), dx = operands.Output(inputs);
        var convolution = new GpuHaloConvolution(device);
        convolution.Run(HaloKernels.Warpgroups, UnitStridePass.Forward(shape), operands.Of(x), weights, operands.Of(bias), y);
        double rounding = 2e-6 * Math.Sqrt(shape.Kernel.Voxels * Math.Max(shape.InChannels, shape.OutChannels));
        Numbers.AssertClose(wantY, operands.Floats(y), 1e-6, rounding);
        convolution.Run(HaloKernels.Warpgroups, UnitStridePass.InputGradient(shape), operands.Of(dy), weights, default, dx);
        Numbers.AssertClose(wantDx, operands.Floats(dx), 1e-6, rounding);
    }

    /// <summary>What it normalises are whole numbers, and so is what comes of them.</summary>
    [Theory, InlineData(false, 68), InlineData(true, 70)]
    public void Inputs_are_normalised_and_outputs_measured(bool acrossBatch, int outChannels)
    {
        using GpuDevice device = Emulated.Hopper("ptx");
        var shape = new ConvolutionShape(
            2, new Extent(2, 9, 5), 64, new Extent(2, 9, 5), outChannels, Taps, Unit, Unit);
        int voxels = (int)shape.Input.Voxels, channels = shape.InChannels;
        float[] x = Whole(shape.Batch * voxels * channels, 1, 4);
        float[] w = Rounded(shape.Kernel.Voxels * channels * outChannels, 2), bias = Numbers.Draw(outChannels, 3);
        int tables = acrossBatch ? 1 : shape.Batch;
        float[] constants = Whole(tables * ChannelConstants.Rows * channels, 4, 2), read = new float[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int channel = i % channels, sample = acrossBatch ? 0 : i / channels / voxels;
            int at = sample * ChannelConstants.Rows * channels + channel;
            read[i] = Math.Max(
                0, (x[i] - constants[at]) * constants[at + channels] + constants[at + 2 * channels]);
        }
        double[] want = new double[shape.Batch * voxels * outChannels];
        ConvolutionNaive.Forward<double>(shape, read.Doubles(), w.Doubles(), bias.Doubles(), want);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View y = operands.Output(want.Length);
        int statistics = (acrossBatch ? 1 : shape.Batch) * outChannels;
        View mean = operands.Output(statistics), variance = operands.Output(statistics);
        var norm = new NormShape(shape.Batch, voxels, channels, channels, acrossBatch);
        var convolution = (GpuConvolution)device.Convolution;
        View moments = operands.Output(3L * outChannels * convolution.MeasuredBoxes(shape, acrossBatch));
        convolution.Forward(
            shape, new NormalizedView(norm, operands.Of(x), operands.Of(constants)), operands.Of(w), operands.Of(bias),
            y, moments);
        device.FusedNormalization!.Statistics(
            norm with { Channels = outChannels, Groups = outChannels }, moments, mean, variance);
        Numbers.AssertClose(want, operands.Floats(y), 1e-6, 1e-4);
        var (wantMean, wantVariance) = Moments(want, outChannels, acrossBatch ? 1 : shape.Batch);
        Numbers.AssertClose(wantMean, operands.Floats(mean), 1e-5, 1e-4);
        Numbers.AssertClose(wantVariance, operands.Floats(variance), 1e-5, 1e-4);
    }

    /// <summary>Of 228 KiB, of which each block costs one more.</summary>
    [Fact]
    public void Two_blocks_fit_on_a_multiprocessor() =>
        Assert.InRange(HaloKernels.Warpgroups.Kernel.SharedBytes, 1, 113 << 10);

    [Theory]
    [InlineData(32, 64, 3, false), InlineData(64, 32, 3, false), InlineData(64, 64, 1, false)]
    [InlineData(64, 64, 3, true), InlineData(128, 70, 3, true)]
    public void Channels_and_taps_choose_them(int inChannels, int outChannels, int depth, bool want)
    {
        var volume = new Extent(8, 8, 8);
        var shape = new ConvolutionShape(
            1, volume, inChannels, volume, outChannels, Taps with { D = depth }, Unit, Unit with { D = depth / 2 });
        Assert.Equal(want, HaloKernels.IsForWarpgroups(UnitStridePass.Forward(shape)));
    }

    static (double[] Mean, double[] Variance) Moments(double[] y, int channels, int samples)
    {
        int voxels = y.Length / channels / samples;
        double[] mean = new double[samples * channels], variance = new double[samples * channels];
        for (int i = 0; i < y.Length; i++) mean[i / channels / voxels * channels + i % channels] += y[i] / voxels;
        for (int i = 0; i < y.Length; i++)
        {
            int at = i / channels / voxels * channels + i % channels;
            variance[at] += (y[i] - mean[at]) * (y[i] - mean[at]) / voxels;
        }
        return (mean, variance);
    }

    /// <summary>Numbers that are bfloat16's.</summary>
    static float[] Rounded(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

    /// <summary>Whole numbers up to this size.</summary>
    static float[] Whole(long count, int seed, int most) =>
        Array.ConvertAll(Numbers.Draw(count, seed), v => (float)Math.Round(Math.Clamp(v, -1, 1) * most));
}
