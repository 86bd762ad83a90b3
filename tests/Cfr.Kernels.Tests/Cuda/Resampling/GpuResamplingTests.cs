using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Resizing against its plain form in double precision.</summary>
public sealed class GpuResamplingTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Random_sizes_match()
    {
        var random = new Random(6);
        for (int i = 0; i < 24; i++)
        {
            var shape = new ResamplingShape(
                random.Next(3), RandomExtent(), RandomExtent(), i % 2 == 0 ? 4 : random.Next(1, 7),
                (Interpolation)random.Next(2), random.Next(2) == 0);
            ResamplingTests.Check(_device, shape);
        }

        Extent RandomExtent() => new(random.Next(1, 5), random.Next(1, 8), random.Next(1, 9));
    }

    [Fact]
    public void The_same_size_is_a_copy_and_infinities_stay_where_they_are()
    {
        var shape = new ResamplingShape(1, new Extent(2, 3, 5), new Extent(2, 3, 5), 3, Interpolation.Linear);
        float[] x = Numbers.Draw(90);
        (x[7], x[89]) = (float.PositiveInfinity, float.NegativeInfinity);
        using var operands = new Operands(_device);
        View y = operands.Output(x.Length), dx = operands.Output(x.Length);
        _device.Resampling.Forward(shape, operands.Of(x), y);
        _device.Resampling.Backward(shape, operands.Of(x), dx);
        Assert.Equal(x, operands.Floats(y));
        Assert.Equal(x, operands.Floats(dx));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Positions_are_exact_for_sizes_of_thousands(bool alignCorners)
    {
        foreach (var (n, m) in ((int, int)[])[(3000, 4001), (4001, 3000), (1, 7), (7, 1), (5, 5)])
        {
            var map = new AxisMap(n, m, Interpolation.Linear, alignCorners);
            for (int i = 0; i < m; i++)
            {
                double position = alignCorners
                    ? m > 1 ? (double)i * (n - 1) / (m - 1) : 0
                    : Math.Max((i + 0.5) * n / m - 0.5, 0);
                AxisTap tap = AxisMap.Tap(map, i);
                Assert.InRange(tap.First + (double)tap.Fraction - Math.Min(position, n - 1), -1e-6, 1e-6);
                Assert.InRange(tap.First, 0, n - 1);
                Assert.InRange(AxisMap.FirstAt(map, tap.First), 0, i);
                Assert.InRange(AxisMap.FirstAt(map, tap.First + 1), i + 1, m);
            }
        }
    }
}
