using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>The numbers of the processor, from any address and for any count.</summary>
public sealed class GpuRandomTests : IDisposable
{
    static readonly RandomKey Key = new(0xa4093822_12345678, 0x3_0000_0007);

    readonly EmulatedDevice _gpu = new();
    readonly CpuDevice _cpu = new(threads: 1);

    public void Dispose()
    {
        _gpu.Dispose();
        _cpu.Dispose();
    }

    [Theory, InlineData(0, 0), InlineData(1, 0), InlineData(2, 1), InlineData(1023, 0), InlineData(1025, 3)]
    public void Uniform_numbers_are_the_same_bits(int count, int offset) => Assert.Equal(
        Draw(_cpu, count, offset, (random, y) => random.Uniform(Key, y, -0.7f, 1.3f)),
        Draw(_gpu, count, offset, (random, y) => random.Uniform(Key, y, -0.7f, 1.3f)));

    [Theory, InlineData(0, 0), InlineData(1, 0), InlineData(3, 1), InlineData(1025, 0)]
    public void Normal_numbers_differ_by_rounding(int count, int offset) => Numbers.AssertClose(
        Draw(_cpu, count, offset, (random, y) => random.Normal(Key, y, 1, 2)).Doubles(),
        Draw(_gpu, count, offset, (random, y) => random.Normal(Key, y, 1, 2)), 5e-7, 5e-7);

    [Theory]
    [InlineData(1, 1, 1), InlineData(1, 1, 1001), InlineData(3, 1, 8), InlineData(2, 5, 3), InlineData(2, 30, 16)]
    [InlineData(3, 101, 1), InlineData(4, 0, 3)]
    public void Dropout_gives_the_same_bits(int outer, int middle, int inner)
    {
        foreach (float rate in (float[])[0, 0.3f, 1])
        {
            float[] x = Numbers.Draw(outer * middle * inner);
            if (x.Length > 0) x[0] = float.NaN;
            Assert.Equal(Drop(_cpu), Drop(_gpu));

            float[] Drop(Device device)
            {
                using var operands = new Operands(device);
                View y = operands.Of(x);
                device.Random.Dropout(Key, rate, outer, middle, inner, y, y);
                return operands.Floats(y);
            }
        }
    }

    static float[] Draw(Device device, int count, int offset, Action<IRandom, View> fill)
    {
        using var operands = new Operands(device);
        View y = operands.Output(count + offset).Slice(offset);
        fill(device.Random, y);
        return operands.Floats(y);
    }
}
