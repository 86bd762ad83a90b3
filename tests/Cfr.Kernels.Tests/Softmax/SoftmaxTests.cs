namespace Cfr.Kernels.Tests;

/// <summary>Softmax and its logarithm against their plain forms in double precision.</summary>
public class SoftmaxTests
{
    public static TheoryData<int> Forms => CpuForms.Indices;

    [Theory, MemberData(nameof(Forms))]
    public void Any_width_matches(int form)
    {
        for (int width = 1; width <= 40; width++) Check(form, 3 * width % 200 + 1, width, 5);
        foreach (int width in (int[])[64, 77, 196, 255, 768, 4096]) Check(form, 3, width, 5);
        foreach (int rows in (int[])[0, 63, 64, 65, 9000]) Check(form, rows, 2, 90);
    }

    [Theory, InlineData(3), InlineData(14), InlineData(16), InlineData(45)]
    public void Infinities_and_NaN_are_those_of_the_plain_form(int width)
    {
        float[] x = Numbers.Draw(4 * width);
        x[1] = float.NegativeInfinity;
        x[width + 2] = float.NaN;
        Array.Fill(x, float.NegativeInfinity, 2 * width, width);
        x[3 * width] = float.PositiveInfinity;
        using var operands = new Operands(CpuForms.All[1]);
        View y = operands.Output(x.Length), logY = operands.Output(x.Length);
        operands.Device.Softmax.Forward(4, width, operands.Of(x), y);
        operands.Device.Softmax.LogForward(4, width, operands.Of(x), logY);
        float[] want = new float[x.Length];
        SoftmaxNaive.Forward<float>(4, width, x, want);
        Assert.Equal(want.Select(float.IsNaN), operands.Floats(y).Select(float.IsNaN));
        Assert.Equal(0, operands.Floats(y)[1]);
        Assert.Equal(float.NegativeInfinity, operands.Floats(logY)[1]);
    }

    static void Check(int form, int rows, int width, float range)
    {
        float[] x = Numbers.Draw(rows * width, width, -range, range), dy = Numbers.Draw(rows * width, width + 1);
        using var operands = new Operands(CpuForms.All[form]);
        ISoftmax softmax = operands.Device.Softmax;
        View dyView = operands.Of(dy), y = operands.Output(x.Length), dx = operands.Output(x.Length);
        View logY = operands.Output(x.Length), dLogX = operands.Output(x.Length);
        softmax.Forward(rows, width, operands.Of(x), y);
        softmax.Backward(rows, width, y, dyView, dx);
        softmax.LogForward(rows, width, operands.Of(x), logY);
        softmax.LogBackward(rows, width, logY, dyView, dLogX);

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
