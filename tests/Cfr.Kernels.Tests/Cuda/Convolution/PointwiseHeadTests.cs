using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Heads of relu(norm x) against double precision, and their weight gradient.</summary>
public class PointwiseHeadTests
{
    static readonly Extent One = new(1, 1, 1);

    /// <summary>Batch, size, channels, outputs, whether constants are those of all samples.</summary>
    public static TheoryData<int, Extent, int, int, bool> Shapes => new()
    {
        { 2, new(3, 5, 7), 16, 2, true },
        { 3, new(1, 9, 11), 8, 3, false },
        { 2, new(2, 3, 5), 64, 8, false },
        { 1, new(9, 7, 11), 4, 1, false },
        { 3, new(3, 4, 5), 32, 5, true },
        { 2, new(5, 10, 7), 64, 4, true },
        { 2, new(7, 6, 5), 8, 7, true },
        { 4, One, 4, 6, false },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void The_forward_pass_matches_double_precision(
        int batch, Extent size, int channels, int outputs, bool acrossBatch)
    {
        var shape = Shape(batch, size, channels, outputs);
        float[] x = Numbers.Draw(batch * size.Voxels * channels), w = Numbers.Draw(channels * outputs, 2);
        float[] bias = outputs % 2 == 0 ? Numbers.Draw(outputs, 3) : [];
        float[] constants = Constants(acrossBatch ? 1 : batch, channels);
        double[] want = new double[batch * size.Voxels * outputs];
        ConvolutionNaive.Forward<double>(
            shape, Normalized(x, constants, batch, channels), w.Doubles(), bias.Doubles(), want);

        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(want.Length), shift = bias.Length == 0 ? default : operands.Unaligned(bias);
        NormalizedView read = View(operands, shape, x, constants, acrossBatch);
        Assert.True(PointwiseHead.Takes(shape));
        PointwiseHead.Forward(Emulated.Device, shape, read, operands.Unaligned(w), shift, y);
        Numbers.AssertClose(want, operands.Floats(y), 1e-6, 1e-5);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void The_weight_gradient_matches_double_precision_and_has_the_same_bits_twice(
        int batch, Extent size, int channels, int outputs, bool acrossBatch)
    {
        var shape = Shape(batch, size, channels, outputs);
        float[] x = Numbers.Draw(batch * size.Voxels * channels), dy = Numbers.Draw(batch * size.Voxels * outputs, 2);
        float[] constants = Constants(acrossBatch ? 1 : batch, channels);
        double[] want = new double[channels * outputs];
        ConvolutionNaive.WeightGradient<double>(
            shape, Normalized(x, constants, batch, channels), dy.Doubles(), want);

        using var operands = new Operands(Emulated.Device);
        View dw = operands.Output(want.Length), gradients = operands.Unaligned(dy);
        NormalizedView read = View(operands, shape, x, constants, acrossBatch);
        PointwiseHead.WeightGradient(Emulated.Device, shape, read, gradients, dw);
        float[] first = operands.Floats(dw);
        Numbers.AssertClose(want, first, 1e-6, 2e-6 * Math.Sqrt(batch * size.Voxels));
        PointwiseHead.WeightGradient(Emulated.Device, shape, read, gradients, dw);
        Assert.Equal(first.AsSpan(), operands.Floats(dw).AsSpan());
    }

    [Fact]
    public void Other_convolutions_are_not_its_own()
    {
        ConvolutionShape taken = Shape(2, new(4, 5, 6), 16, 8);
        Assert.True(PointwiseHead.Takes(taken));
        Assert.False(PointwiseHead.Takes(taken with { OutChannels = 9 }));
        foreach (int channels in (int[])[1, 2, 12, 18, 128])
            Assert.False(PointwiseHead.Takes(taken with { InChannels = channels }));
        Assert.False(PointwiseHead.Takes(taken with { Output = new(2, 3, 3), Stride = new(2, 2, 2) }));
        Assert.False(PointwiseHead.Takes(taken with { Output = new(4, 5, 4), Kernel = new(1, 1, 3) }));
    }

    static ConvolutionShape Shape(int batch, Extent size, int channels, int outputs) =>
        new(batch, size, channels, size, outputs, One, One, default);

    /// <summary>Mean, scale and bias for each sample, some scales zero, as where channels are dropped.</summary>
    static float[] Constants(int samples, int channels)
    {
        float[] constants = Numbers.Draw(samples * 3 * channels, 4);
        for (int i = 1; i < channels; i += 3) constants[channels + i] = constants[2 * channels + i] = 0;
        return constants;
    }

    static NormalizedView View(
        Operands operands, ConvolutionShape s, float[] x, float[] constants, bool acrossBatch) => new(
        new NormShape(s.Batch, s.Input.Voxels, s.InChannels, s.InChannels, acrossBatch), operands.Of(x),
        operands.Of(constants));

    static double[] Normalized(float[] x, float[] constants, int batch, int channels)
    {
        int sampleFloats = x.Length / batch;
        return [.. x.Select((value, i) =>
        {
            int sample = constants.Length == 3 * channels ? 0 : i / sampleFloats;
            int c = sample * 3 * channels + i % channels;
            return Math.Max(0, ((double)value - constants[c]) * constants[c + channels] + constants[c + 2 * channels]);
        })];
    }
}
