using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>What the ops do not ask for: fused activations, and gradients of no voxels.</summary>
public sealed class GpuConvolutionTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Theory, InlineData(Activation.None), InlineData(Activation.Relu), InlineData(Activation.Gelu)]
    public void Bias_and_activation_follow_either_pass(Activation activation)
    {
        var shape = new ConvolutionShape(
            2, new Extent(3, 4, 5), 3, new Extent(2, 4, 3), 6, new Extent(2, 3, 3), new Extent(1, 1, 2),
            new Extent(0, 1, 1));
        float[] x = Numbers.Draw(2 * 60 * 3), w = Numbers.Draw(18 * 18, 2), dy = Numbers.Draw(2 * 24 * 6, 3);
        float[] outBias = Numbers.Draw(6, 4), inBias = Numbers.Draw(3, 5);
        double[] wantY = new double[dy.Length], wantDx = new double[x.Length];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), outBias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), inBias.Doubles(), wantDx);

        using var operands = new Operands(_device);
        View weights = operands.Of(w), y = operands.Output(dy.Length), dx = operands.Output(x.Length);
        _device.Convolution.Forward(shape, operands.Of(x), weights, operands.Of(outBias), y, activation);
        _device.Convolution.InputGradient(shape, operands.Of(dy), weights, operands.Of(inBias), dx, activation);
        Numbers.AssertClose([.. wantY.Select(Activated)], operands.Floats(y), 1e-6, 2e-6);
        Numbers.AssertClose([.. wantDx.Select(Activated)], operands.Floats(dx), 1e-6, 2e-6);

        double Activated(double value) => ActivationNaive.Apply(activation, value);
    }

    [Theory]
    [InlineData(1, 1, false), InlineData(3, 1, false), InlineData(2, 2, false), InlineData(3, 2, false)]
    [InlineData(3, 1, true), InlineData(2, 2, true)]
    public void An_input_gradient_is_added_to_what_is_there(int kernel, int stride, bool onProcessor)
    {
        using var cpu = new CpuDevice(2);
        _device.SmallWork = 0;
        Device device = onProcessor ? cpu : _device;
        var input = new Extent(4, 5, 9);
        Extent size = new(kernel, kernel, kernel), padding = stride == 1 ? new(kernel / 2, kernel / 2, kernel / 2) : default;
        var output = stride == 1 ? input : new Extent((4 - kernel) / 2 + 1, (5 - kernel) / 2 + 1, (9 - kernel) / 2 + 1);
        var shape = new ConvolutionShape(2, input, 8, output, 12, size, new(stride, stride, stride), padding);
        float[] dy = Numbers.Draw(2 * output.Voxels * 12), w = Numbers.Draw(size.Voxels * 96, 2);
        float[] before = Numbers.Draw(2 * input.Voxels * 8, 3);
        using var operands = new Operands(device);
        View ofDy = operands.Of(dy), weights = operands.Of(w), dx = operands.Output(before.Length);
        View sum = operands.Of(before);
        device.Convolution.InputGradient(shape, ofDy, weights, default, dx);
        device.Convolution.InputGradient(shape, ofDy, weights, default, sum, accumulate: true);
        Assert.Equal(operands.Floats(dx).Zip(before, (a, b) => a + b), operands.Floats(sum));
    }

    [Fact]
    public void The_gradient_of_no_samples_is_zero()
    {
        var shape = new ConvolutionShape(
            0, new Extent(3, 3, 3), 2, new Extent(3, 3, 3), 1, new Extent(1, 1, 1), new Extent(1, 1, 1), default);
        using var operands = new Operands(_device);
        View dw = operands.Output(2);
        _device.Convolution.WeightGradient(shape, operands.Output(0), operands.Output(0), dw);
        Assert.Equal([0, 0], operands.Floats(dw));
    }
}
