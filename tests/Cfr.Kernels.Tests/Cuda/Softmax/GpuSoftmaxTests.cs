namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Softmax of the CUDA kernels, emulated: rows of a thread, of some lanes, of a block; odd addresses.
/// </summary>
public class GpuSoftmaxTests
{
    [Theory]
    [InlineData(1, 1, 5), InlineData(300, 2, 90), InlineData(131, 3, 5), InlineData(70, 14, 5), InlineData(129, 32, 5)]
    [InlineData(9, 33, 5), InlineData(7, 40, 5), InlineData(5, 77, 90), InlineData(3, 1028, 5), InlineData(2, 1029, 5)]
    public void Any_width_matches(int rows, int width, float range)
    {
        foreach (bool unaligned in (bool[])[false, true])
        {
            float[] x = Numbers.Draw(rows * width, width, -range, range), dy = Numbers.Draw(rows * width, width + 1);
            using var operands = new Operands(Emulated.Device);
            ISoftmax softmax = operands.Device.Softmax;
            View xView = unaligned ? operands.Unaligned(x) : operands.Of(x), dyView = operands.Of(dy);
            View y = operands.Output(x.Length), dx = operands.Output(x.Length);
            View logY = operands.Output(x.Length), dLogX = operands.Output(x.Length);
            softmax.Forward(rows, width, xView, y);
            softmax.Backward(rows, width, y, dyView, dx);
            softmax.LogForward(rows, width, xView, logY);
            softmax.LogBackward(rows, width, logY, unaligned ? operands.Unaligned(dy) : dyView, dLogX);

            double[] want = new double[x.Length], wantGradient = new double[x.Length];
            SoftmaxNaive.Forward<double>(rows, width, x.Doubles(), want);
            SoftmaxNaive.Backward<double>(rows, width, want, dy.Doubles(), wantGradient);
            // The difference of two logits is off by half a unit of its last place, and so is y, relatively.
            Numbers.AssertClose(want, operands.Floats(y), 1e-6 + range * 1.2e-7, 1e-37);
            Numbers.AssertClose(wantGradient, operands.Floats(dx), 3e-6, 5e-7);
            SoftmaxNaive.LogForward<double>(rows, width, x.Doubles(), want);
            SoftmaxNaive.LogBackward<double>(rows, width, want, dy.Doubles(), wantGradient);
            Numbers.AssertClose(want, operands.Floats(logY), 3e-7, 1e-6);
            Numbers.AssertClose(wantGradient, operands.Floats(dLogX), 1e-5, 1e-6 * Math.Sqrt(width));
        }
    }

    [Theory, InlineData(3), InlineData(45)]
    public void Infinities_and_NaN_are_those_of_the_plain_form(int width)
    {
        float[] x = Numbers.Draw(4 * width);
        x[1] = float.NegativeInfinity;
        x[width + 2] = float.NaN;
        Array.Fill(x, float.NegativeInfinity, 2 * width, width);
        x[3 * width] = float.PositiveInfinity;
        using var operands = new Operands(Emulated.Device);
        View y = operands.Output(x.Length), logY = operands.Output(x.Length);
        operands.Device.Softmax.Forward(4, width, operands.Of(x), y);
        operands.Device.Softmax.LogForward(4, width, operands.Of(x), logY);
        float[] want = new float[x.Length];
        SoftmaxNaive.Forward<float>(4, width, x, want);
        Assert.Equal(want.Select(float.IsNaN), operands.Floats(y).Select(float.IsNaN));
        Assert.Equal(0, operands.Floats(y)[1]);
        Assert.Equal(float.NegativeInfinity, operands.Floats(logY)[1]);
    }

    [Theory, InlineData(2), InlineData(4), InlineData(8), InlineData(16), InlineData(32), InlineData(3), InlineData(7)]
    public void A_column_of_a_tile_lies_in_different_banks(int width)
    {
        for (int column = 0; column < width; column++)
        {
            int[] banks =
                [.. Enumerable.Range(0, 32).Select(row => Kernels.Cuda.RowTile.Word(row * width + column) % 32)];
            Assert.InRange(banks.GroupBy(bank => bank).Max(rows => rows.Count()), 1, width % 2 == 0 ? 1 : 2);
        }
    }
}
