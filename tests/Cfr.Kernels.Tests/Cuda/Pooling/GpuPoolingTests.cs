using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Max pooling against its plain form: every number and every index is the same.</summary>
public sealed class GpuPoolingTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Random_windows_match()
    {
        var random = new Random(7);
        for (int i = 0; i < 20; i++)
        {
            Extent kernel = RandomExtent(4), stride = RandomExtent(4), size = RandomExtent(7);
            var padding = new Extent(
                random.Next(kernel.D / 2 + 1), random.Next(kernel.H / 2 + 1), random.Next(kernel.W / 2 + 1));
            var input = new Extent(kernel.D + size.D - 1, kernel.H + size.H - 1, kernel.W + size.W - 1);
            var output = new Extent(
                (input.D + 2 * padding.D - kernel.D) / stride.D + 1,
                (input.H + 2 * padding.H - kernel.H) / stride.H + 1,
                (input.W + 2 * padding.W - kernel.W) / stride.W + 1);
            var shape = new PoolingShape(
                random.Next(3), input, i % 2 == 0 ? 8 : random.Next(1, 7), output, kernel, stride, padding);
            MaxPoolTests.Check(_device, shape);
        }

        Extent RandomExtent(int most) => new(random.Next(1, most), random.Next(1, most), random.Next(1, most));
    }

    [Theory, InlineData(1), InlineData(4)]
    public void The_first_of_equals_wins_and_NaN_beats_all(int channels)
    {
        var shape = new PoolingShape(
            1, new Extent(1, 1, 6), channels, new Extent(1, 1, 2), new Extent(1, 1, 3), new Extent(1, 1, 3), default);
        float[] x = [.. new[] { 1, 1, 0, 5, float.NaN, float.NaN }.SelectMany(v => Enumerable.Repeat(v, channels))];
        using var operands = new Operands(_device);
        View y = operands.Output(2 * channels), argMax = operands.OutputOfInts(2 * channels);
        _device.Pooling.MaxForward(shape, operands.Of(x), y, argMax);
        Assert.Equal([.. Enumerable.Repeat(1f, channels), .. Enumerable.Repeat(float.NaN, channels)], operands.Floats(y));
        Assert.Equal([.. Enumerable.Repeat(0, channels), .. Enumerable.Repeat(4, channels)], operands.Ints(argMax));
    }
}
