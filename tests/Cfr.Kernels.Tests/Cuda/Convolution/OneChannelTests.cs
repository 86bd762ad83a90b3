using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Convolutions of one input channel against double precision, and their weight gradient.</summary>
public class OneChannelTests
{
    static readonly Extent One = new(1, 1, 1);

    /// <summary>Batch, input, output channels, kernel, padding.</summary>
    public static TheoryData<int, Extent, int, Extent, Extent> Shapes => new()
    {
        { 2, new(3, 4, 5), 16, new(3, 3, 3), One },
        { 1, new(6, 9, 21), 16, new(3, 3, 3), One },
        { 1, new(4, 5, 11), 3, new(3, 3, 3), default },
        { 2, new(1, 7, 10), 33, new(1, 3, 3), new(0, 1, 1) },
        { 1, new(5, 6, 9), 17, new(5, 5, 5), new(2, 2, 2) },
        { 1, new(2, 3, 140), 5, new(3, 2, 7), new(2, 1, 3) },
        { 1, new(3, 3, 3), 1, One, default },
        { 1, new(2, 2, 3), 140, new(2, 1, 2), new(0, 1, 2) },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void The_forward_pass_matches_double_precision(
        int batch, Extent input, int channels, Extent kernel, Extent padding)
    {
        ConvolutionShape shape = Shape(batch, input, channels, kernel, padding);
        var activation = (Activation)(channels % 3);
        float[] x = Numbers.Draw(batch * input.Voxels), w = Numbers.Draw(kernel.Voxels * channels, 2);
        float[] bias = Numbers.Draw(channels, 3);
        double[] want = new double[batch * shape.Output.Voxels * channels];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), bias.Doubles(), want);

        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(want.Length);
        Assert.True(OneChannelForward.Launch(
            Emulated.Device, shape, operands.Unaligned(x), operands.Unaligned(w), operands.Unaligned(bias), y,
            activation));
        Numbers.AssertClose(
            [.. want.Select(value => ActivationNaive.Apply(activation, value))], operands.Floats(y), 1e-6, 1e-5);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void The_weight_gradient_matches_double_precision(
        int batch, Extent input, int channels, Extent kernel, Extent padding)
    {
        ConvolutionShape shape = Shape(batch, input, channels, kernel, padding);
        float[] x = Numbers.Draw(batch * input.Voxels), dy = Numbers.Draw(batch * shape.Output.Voxels * channels, 2);
        double[] want = new double[kernel.Voxels * channels];
        ConvolutionNaive.WeightGradient<double>(shape, x.Doubles(), dy.Doubles(), want);

        using var operands = new Operands(Emulated.Device);
        View dw = operands.Output(want.Length), inputs = operands.Unaligned(x), gradients = operands.Of(dy);
        Assert.True(OneChannelGradient.Launch(Emulated.Device, shape, inputs, gradients, dw));
        float[] first = operands.Floats(dw);
        Numbers.AssertClose(want, first, 1e-6, 1e-6 * Math.Sqrt(batch * shape.Output.Voxels));
        Assert.True(OneChannelGradient.Launch(Emulated.Device, shape, inputs, gradients, dw));
        Assert.Equal(first.AsSpan(), operands.Floats(dw).AsSpan());
    }

    [Fact]
    public void Outputs_and_their_gradients_need_no_alignment()
    {
        ConvolutionShape shape = Shape(1, new(2, 3, 9), 8, new(3, 3, 3), One);
        float[] x = Numbers.Draw(shape.Input.Voxels), w = Numbers.Draw(27 * 8, 2);
        double[] wantY = new double[shape.Output.Voxels * 8], wantDw = new double[w.Length];
        float[] dy = Numbers.Draw(wantY.Length, 3);
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), [], wantY);
        ConvolutionNaive.WeightGradient<double>(shape, x.Doubles(), dy.Doubles(), wantDw);

        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(wantY.Length + 1).Slice(1), dw = operands.Output(w.Length + 1).Slice(1);
        Assert.True(OneChannelForward.Launch(
            Emulated.Device, shape, operands.Of(x), operands.Of(w), default, y, Activation.None));
        Assert.True(OneChannelGradient.Launch(Emulated.Device, shape, operands.Of(x), operands.Unaligned(dy), dw));
        Numbers.AssertClose(wantY, operands.Floats(y), 1e-6, 1e-5);
        Numbers.AssertClose(wantDw, operands.Floats(dw), 1e-6, 1e-5);
    }

    [Fact]
    public void Many_input_channels_and_strides_are_not_theirs()
    {
        ConvolutionShape shape = Shape(1, new(2, 3, 9), 8, new(3, 3, 3), One);
        Assert.False(OneChannelGradient.Launch(
            Emulated.Device, shape with { InChannels = 2 }, default, default, default));
        Assert.False(OneChannelGradient.Launch(
            Emulated.Device, shape with { Stride = new(1, 1, 2) }, default, default, default));
        Assert.False(OneChannelForward.Launch(
            Emulated.Device, shape with { InChannels = 2 }, default, default, default, default, Activation.None));
    }

    static ConvolutionShape Shape(int batch, Extent input, int channels, Extent kernel, Extent padding) => new(
        batch, input, 1,
        new Extent(
            input.D + 2 * padding.D - kernel.D + 1, input.H + 2 * padding.H - kernel.H + 1,
            input.W + 2 * padding.W - kernel.W + 1),
        channels, kernel, One, padding);
}
