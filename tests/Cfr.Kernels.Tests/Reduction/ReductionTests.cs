namespace Cfr.Kernels.Tests;

public class ReductionTests
{
    static readonly (int Outer, int Middle, int Inner)[] Shapes =
    [
        (0, 3, 4), (1, 1, 1), (1, 2, 1), (3, 7, 1), (5, 63, 1), (5, 64, 1), (5, 65, 1), (2, 1000, 1), (1, 200_003, 1),
        (4001, 3, 1),
        (1, 300_001, 2), (1, 70_001, 3), (1, 10_007, 16), (3, 129, 31), (3, 130, 32), (3, 131, 33), (2, 27, 3),
        (700, 5, 2),
        (1, 1000, 64), (1, 4097, 65), (1, 300, 768), (2, 140, 3072), (1, 3, 5000), (1, 1, 4100), (2, 8, 2049),
    ];

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Sums_match_double_precision(int form)
    {
        foreach (var (outer, middle, inner) in Shapes)
        {
            float[] x = Numbers.Draw((long)outer * middle * inner), before = Numbers.Draw(outer * inner, seed: 2);
            double[] sums = new double[outer * inner];
            ReductionNaive.Sum(outer, middle, inner, x.Doubles(), sums, 0.5);
            using var operands = new Operands(CpuForms.All[form]);
            View y = operands.Output(outer * inner), added = operands.Of(before);
            operands.Device.Reduction.Sum(outer, middle, inner, operands.Of(x), y, scale: 0.5f);
            operands.Device.Reduction.Sum(outer, middle, inner, operands.Of(x), added, scale: 0.5f, accumulate: true);
            double rounding = 3e-7 * Math.Sqrt(middle);
            Numbers.AssertClose(sums, operands.Floats(y), 3e-7, rounding);
            Numbers.AssertClose([.. sums.Zip(before, (s, b) => s + b)], operands.Floats(added), 3e-7, rounding);
        }
    }

    [Fact]
    public void The_error_of_a_sum_of_ten_million_equal_numbers_is_that_of_a_few_additions()
    {
        float[] x = new float[10_000_000];
        Array.Fill(x, 0.1f);
        using var operands = new Operands(CpuForms.All[1]);
        View y = operands.Output(1);
        operands.Device.Reduction.Sum(1, x.Length, 1, operands.Of(x), y);
        Numbers.AssertClose([1e7 * 0.1f], operands.Floats(y), relative: 5e-7);
    }

    [Fact]
    public void Sums_are_the_same_bits_on_any_number_of_threads()
    {
        foreach (var (outer, middle, inner) in Shapes)
        {
            float[] x = Numbers.Draw((long)outer * middle * inner);
            float[][] sums = [.. ((int[])[1, 2, 3]).Select(threads =>
            {
                using var device = new Cpu.CpuDevice(threads, vectorWidth: 8);
                using var operands = new Operands(device);
                View y = operands.Output(outer * inner);
                device.Reduction.Sum(outer, middle, inner, operands.Of(x), y);
                return operands.Floats(y);
            })];
            Assert.Equal(sums[0], sums[1]);
            Assert.Equal(sums[0], sums[2]);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Maxima_are_the_first_of_equals_and_NaN_beats_all(int form)
    {
        foreach (var (outer, middle, inner) in Shapes)
            foreach (bool withNaN in (bool[])[false, true])
            {
                // Few different values, so that there are ties everywhere, among them 0 and -0.
                float[] x = [.. Numbers.Draw((long)outer * middle * inner, 7, -40, 10).Select(v => MathF.Round(v))];
                for (int i = 5; withNaN && i < x.Length; i += 97) x[i] = float.NaN;
                float[] want = new float[outer * inner];
                int[] wantIndex = new int[outer * inner];
                ReductionNaive.Max<float>(outer, middle, inner, x, want, wantIndex);
                using var operands = new Operands(CpuForms.All[form]);
                View y = operands.Output(outer * inner), index = operands.OutputOfInts(outer * inner);
                View argMax = operands.OutputOfInts(outer * inner);
                IReduction kernels = operands.Device.Reduction;
                kernels.Max(outer, middle, inner, operands.Of(x), y, index);
                kernels.ArgMax(outer, middle, inner, operands.Of(x), argMax);
                Assert.Equal(want, operands.Floats(y));
                Assert.Equal(wantIndex, operands.Ints(index));
                Assert.Equal(wantIndex, operands.Ints(argMax));

                float[] dy = Numbers.Draw(outer * inner), wantGradient = new float[x.Length];
                ReductionNaive.MaxBackward<float>(outer, middle, inner, dy, wantIndex, wantGradient);
                View dx = operands.Output(x.Length);
                kernels.MaxBackward(outer, middle, inner, operands.Of(dy), index, dx);
                Assert.Equal(wantGradient, operands.Floats(dx));
            }
    }
}
