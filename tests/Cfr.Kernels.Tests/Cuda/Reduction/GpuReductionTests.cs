namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Reductions of the CUDA kernels, emulated: every way they have, with cut axes, tails and odd addresses.
/// </summary>
public class GpuReductionTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 0, 3, 4 }, { 1, 0, 5 }, { 1, 1, 1 }, { 5, 65, 1 },
        { 2, 1028, 1 }, { 1, 8209, 1 }, { 300, 3, 1 }, { 9, 100, 1 },
        { 1, 2001, 2 }, { 1, 1003, 3 }, { 1, 260, 16 }, { 3, 129, 31 }, { 2, 140, 260 }, { 70, 5, 2 }, { 1, 8, 500 },
        { 1, 40, 521 }, { 1, 3, 1 }, { 2, 1030, 31 }, { 1, 1027, 260 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Sums_match_double_precision(int outer, int middle, int inner)
    {
        float[] x = Numbers.Draw((long)outer * middle * inner), before = Numbers.Draw(outer * inner, seed: 2);
        double[] sums = new double[outer * inner];
        ReductionNaive.Sum(outer, middle, inner, x.Doubles(), sums, 0.5);
        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(outer * inner), added = operands.Of(before);
        operands.Device.Reduction.Sum(outer, middle, inner, operands.Of(x), y, scale: 0.5f);
        operands.Device.Reduction.Sum(outer, middle, inner, operands.Unaligned(x), added, 0.5f, accumulate: true);
        double rounding = 2e-7 * Math.Sqrt(middle);
        Numbers.AssertClose(sums, operands.Floats(y), 3e-7, rounding);
        Numbers.AssertClose([.. sums.Zip(before, (s, b) => s + b)], operands.Floats(added), 3e-7, rounding);
    }

    [Fact]
    public void The_error_of_a_sum_of_many_equal_numbers_is_that_of_a_few_additions()
    {
        float[] x = new float[300_000];
        Array.Fill(x, 0.1f);
        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(1);
        operands.Device.Reduction.Sum(1, x.Length, 1, operands.Of(x), y);
        Numbers.AssertClose([x.Length * (double)0.1f], operands.Floats(y), relative: 1e-6);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Maxima_are_the_first_of_equals_and_NaN_beats_all(int outer, int middle, int inner)
    {
        if (middle == 0) return;
        foreach (bool withNaN in (bool[])[false, true])
        {
            // Few different values, so that there are ties everywhere, among them 0 and -0.
            float[] x = [.. Numbers.Draw((long)outer * middle * inner, 7, -40, 10).Select(v => MathF.Round(v))];
            for (int i = 5; withNaN && i < x.Length; i += 97) x[i] = float.NaN;
            float[] want = new float[outer * inner];
            int[] wantIndex = new int[outer * inner];
            ReductionNaive.Max<float>(outer, middle, inner, x, want, wantIndex);
            using var operands = new Operands(Emulated.Device);
            View y = operands.Output(outer * inner), index = operands.OutputOfInts(outer * inner);
            View argMax = operands.OutputOfInts(outer * inner), yAlone = operands.Output(outer * inner);
            IReduction kernels = operands.Device.Reduction;
            kernels.Max(outer, middle, inner, operands.Of(x), y, index);
            kernels.Max(outer, middle, inner, operands.Unaligned(x), yAlone, default);
            kernels.ArgMax(outer, middle, inner, operands.Of(x), argMax);
            Assert.Equal(want, operands.Floats(y));
            Assert.Equal(want, operands.Floats(yAlone));
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
