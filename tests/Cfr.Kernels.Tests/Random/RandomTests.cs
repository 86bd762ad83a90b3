using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

public class RandomTests
{
    static readonly RandomKey Key = new(0xa4093822_12345678, 7);

    [Theory]
    [InlineData(0ul, 0ul, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0ul, ~0ul, ~0ul, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x85a308d3_243f6a88ul, 0x03707344_13198a2eul, 0x299f31d0_a4093822ul, 0xd16cfe09u, 0x94fdccebu,
        0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_the_words_of_its_authors(
        ulong low, ulong high, ulong key, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal((w0, w1, w2, w3), Philox.Block(low, high, key));

    [Fact]
    public unsafe void Eight_blocks_side_by_side_are_the_blocks_one_by_one()
    {
        float[] u = new float[2 * PhiloxBlocks.Count];
        foreach (ulong first in (ulong[])[0, 8, 0xffff_fffe, 0x1234_5678_9abc_def0])
        {
            fixed (float* target = u) PhiloxBlocks.Uniform(Key, first, groups: 2, target);
            for (int i = 0; i < u.Length; i++)
            {
                var (w0, w1, w2, w3) = Philox.Block(first + (ulong)i / 4, Key.Stream, Key.Seed);
                Assert.Equal(Philox.Uniform(new[] { w0, w1, w2, w3 }[i % 4]), u[i]);
            }
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Numbers_are_those_of_the_naive_form(int form)
    {
        foreach (int count in (int[])[0, 1, 2, 3, 15, 16, 17, 1023, 1025, 40_001])
        {
            using var operands = new Operands(CpuForms.All[form]);
            View uniform = operands.Output(count), normal = operands.Output(count);
            operands.Device.Random.Uniform(Key, uniform, -1, 3);
            operands.Device.Random.Normal(Key, normal, 1, 2);
            Numbers.AssertClose([.. Enumerable.Range(0, count).Select(i =>
                4 * RandomNaive.Uniform<double>(Key, i) - 1)],
                operands.Floats(uniform), 1e-7, 1e-7);
            Numbers.AssertClose([.. Enumerable.Range(0, count).Select(i => 2 * RandomNaive.Normal<double>(Key, i) + 1)],
                operands.Floats(normal), 1e-6, 1e-6);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void A_stream_can_be_counted_from_a_number_in_memory(int form)
    {
        using var operands = new Operands(CpuForms.All[form]);
        View origin = new(operands.Output(2).Address, 1, DType.UInt64), y = operands.Output(100), want = operands.Output(100);
        operands.Device.Upload<ulong>([ulong.MaxValue - 2], origin);
        operands.Device.Random.Uniform(Key with { Stream = 10, Origin = origin }, y, 0, 1);
        operands.Device.Random.Uniform(Key with { Stream = 7 }, want, 0, 1);
        Assert.Equal(operands.Floats(want), operands.Floats(y));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Dropout_keeps_what_the_naive_form_keeps(int form)
    {
        (int Outer, int Middle, int Inner)[] shapes =
            [(1, 1, 1), (1, 1, 40_001), (3, 1, 7), (2, 5, 3), (2, 300, 16), (3, 10_001, 1), (2, 100, 768), (4, 0, 3)];
        foreach (var (outer, middle, inner) in shapes)
            foreach (float rate in (float[])[0, 0.25f, 0.5f, 1])
            {
                float[] x = Numbers.Draw(outer * middle * inner);
                if (x.Length > 0) x[0] = float.NaN;
                double[] want = new double[x.Length];
                RandomNaive.Dropout(Key, (double)rate, outer, middle, inner, x.Doubles(), want);
                using var operands = new Operands(CpuForms.All[form]);
                View place = operands.Of(x);
                operands.Device.Random.Dropout(Key, rate, outer, middle, inner, place, place);
                Numbers.AssertClose(want, operands.Floats(place), 2e-7);
            }
    }

    [Fact]
    public void Uniform_numbers_are_uniform()
    {
        const int Count = 1_000_000, Bins = 256;
        float[] u = Draw(Count, (random, y) => random.Uniform(Key, y, 0, 1));
        Assert.All(u, value => Assert.InRange(value, 0, 0.99999999f));
        Assert.InRange(u.Average(value => (double)value), 0.5 - 0.0012, 0.5 + 0.0012);       // 4 sqrt(1/12 / 10^6)
        Assert.InRange(Variance(u), 1 / 12.0 - 0.0003, 1 / 12.0 + 0.0003);                  // 4 sqrt(1/180 / 10^6)
        double[] counts = new double[Bins];
        foreach (float value in u) counts[(int)(value * Bins)]++;
        AssertChiSquare(counts, Enumerable.Repeat((double)Count / Bins, Bins));
    }

    [Fact]
    public void Normal_numbers_are_normal()
    {
        const int Count = 1_000_000;
        float[] z = Draw(Count, (random, y) => random.Normal(Key, y, 0, 1));
        Assert.InRange(z.Average(value => (double)value), -0.004, 0.004);                    // 4 sqrt(1 / 10^6)
        Assert.InRange(Variance(z), 1 - 0.0057, 1 + 0.0057);                                 // 4 sqrt(2 / 10^6)
        Assert.InRange(z.Average(value => Math.Pow(value, 4)), 3 - 0.04, 3 + 0.04);          // 4 sqrt(96 / 10^6)
        double[] counts = new double[64];
        foreach (float value in z) counts[Math.Clamp((int)Math.Floor(value * 8) + 32, 0, 63)]++;
        AssertChiSquare(counts, Enumerable.Range(0, 64).Select(bin =>
            Count * (Below(bin == 63 ? 99 : (bin - 31) / 8.0) - Below(bin == 0 ? -99 : (bin - 32) / 8.0))));

        static double Below(double x) => (1 + ActivationNaive.Erf(x / Math.Sqrt(2))) / 2;
    }

    [Fact]
    public void Neighbouring_streams_and_seeds_are_unrelated()
    {
        const int Count = 100_000;
        float[] one = Draw(Count, (random, y) => random.Normal(new(1, 0), y, 0, 1));
        foreach (RandomKey other in (RandomKey[])[new(1, 1), new(2, 0), new(1, 1ul << 32), new(1ul << 32, 0)])
        {
            float[] two = Draw(Count, (random, y) => random.Normal(other, y, 0, 1));
            double correlation = one.Zip(two, (a, b) => (double)a * b).Sum() / Count;
            Assert.InRange(correlation, -0.0127, 0.0127);                                    // 4 / sqrt(10^5)
        }
    }

    [Fact]
    public void Dropout_keeps_the_share_that_it_should()
    {
        float[] ones = new float[1_000_000];
        Array.Fill(ones, 1);
        using var operands = new Operands(CpuForms.All[1]);
        View y = operands.Of(ones);
        operands.Device.Random.Dropout(Key, 0.3f, 1, 1, ones.Length, y, y);
        float[] kept = operands.Floats(y);
        Assert.InRange(kept.Count(value => value != 0) / 1e6, 0.7 - 0.0019, 0.7 + 0.0019);   // 4 sqrt(0.21 / 10^6)
        Assert.All(kept, value => Assert.True(value == 0 || value == 1 / (1 - 0.3f)));
    }

    static float[] Draw(int count, Action<IRandom, View> fill)
    {
        using var operands = new Operands(CpuForms.All[2]);
        View y = operands.Output(count);
        fill(operands.Device.Random, y);
        return operands.Floats(y);
    }

    static double Variance(float[] values)
    {
        double mean = values.Average(value => (double)value);
        return values.Average(value => (value - mean) * (value - mean));
    }

    /// <summary>
    /// The sum over bins of (count - expected)^2 / expected is n +- sqrt(2 n) for n degrees of freedom.
    /// </summary>
    static void AssertChiSquare(double[] counts, IEnumerable<double> expected)
    {
        double statistic = counts.Zip(expected, (c, e) => (c - e) * (c - e) / e).Sum();
        double freedom = counts.Length - 1, spread = 4 * Math.Sqrt(2 * freedom);
        Assert.InRange(statistic, freedom - spread, freedom + spread);
    }
}
