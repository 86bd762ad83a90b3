namespace Cfr.Kernels.Tests;

public class MatmulTests
{
    const int Cases = 400;

    [Fact]
    public void Products_of_any_layout_and_epilogue_match_double_precision()
    {
        for (int seed = 0; seed < Cases; seed++)
        {
            var one = MatmulCase.Draw(seed);
            var (want, wantBefore) = one.Reference();
            foreach (Device device in CpuForms.All)
            {
                var (got, before) = one.Run(device);
                double rounding = 1e-6 * (2 + Math.Sqrt(one.A.Columns));
                Numbers.AssertClose(want, got, 1e-6, rounding);
                if (one.KeepsPreActivation) Numbers.AssertClose(wantBefore, before, 1e-6, rounding);
            }
        }
    }

    [Fact]
    public void Products_are_the_same_bits_on_any_number_of_threads()
    {
        using Cpu.CpuDevice alone = new(threads: 1, vectorWidth: 8), team = new(threads: 3, vectorWidth: 8);
        for (int seed = 0; seed < Cases; seed++)
        {
            var one = MatmulCase.Draw(seed);
            var (want, wantBefore) = one.Run(alone);
            var (got, before) = one.Run(team);
            Assert.Equal(Bits(want), Bits(got));
            Assert.Equal(Bits(wantBefore), Bits(before));
        }
    }

    [Fact]
    public void A_NaN_reaches_its_row_and_column_only()
    {
        const int Size = 40;
        float[] a = Numbers.Draw(Size * Size), b = Numbers.Draw(Size * Size, seed: 2);
        a[7 * Size + 3] = float.NaN;
        b[5 * Size + 11] = float.NaN;
        using var operands = new Operands(CpuForms.All[1]);
        View c = operands.Output(Size * Size);
        operands.Device.Matmul.Multiply(
            Matrix.Dense(operands.Of(a), Size, Size), Matrix.Dense(operands.Of(b), Size, Size),
            Matrix.Dense(c, Size, Size));
        float[] got = operands.Floats(c);
        for (int row = 0; row < Size; row++)
            for (int column = 0; column < Size; column++)
                Assert.Equal(row == 7 || column == 11, float.IsNaN(got[row * Size + column]));
    }

    static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
