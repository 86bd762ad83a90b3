using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

/// <summary>Layer norm against its plain form in double precision.</summary>
public class LayerNormTests
{
    const float Eps = 1e-6f;

    public static TheoryData<int> Forms => CpuForms.Indices;

    [Theory, MemberData(nameof(Forms))]
    public void Any_width_matches(int form)
    {
        foreach (int width in (int[])[1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 64, 67, 100, 257, 768])
            foreach (int rows in (int[])[0, 1, 7, 300])
                Check(CpuForms.All[form], rows, width, low: -1, high: 2, tolerance: 3e-6);
    }

    [Theory, MemberData(nameof(Forms))]
    public void A_mean_far_from_zero_costs_only_the_digits_of_the_stored_mean(int form) =>
        Check(CpuForms.All[form], rows: 20, width: 768, low: 999, high: 1001, tolerance: 2e-4);

    [Fact]
    public void Threads_change_no_bit() => Assert.Equal(
        Run(CpuForms.All[1], 1000, 100, -1, 1)[3..], Run(CpuForms.All[2], 1000, 100, -1, 1)[3..]);

    static void Check(CpuDevice device, int rows, int width, float low, float high, double tolerance)
    {
        float[][] got = Run(device, rows, width, low, high);
        double[][] inputs = [.. got[..4].Select(Numbers.Doubles)];
        double[] y = new double[rows * width], mean = new double[rows], inverse = new double[rows];
        double[] dx = new double[y.Length], dWeight = new double[width], dBias = new double[width];
        LayerNormNaive.Forward(rows, width, Eps, inputs[0], inputs[2], inputs[3], y, mean, inverse);
        LayerNormNaive.Backward<double>(
            rows, width, inputs[0], inputs[2], mean, inverse, inputs[1], dx, dWeight, dBias);
        double largest = inverse.Append(1).Max();
        Numbers.AssertClose(y, got[4], tolerance, tolerance);
        Numbers.AssertClose(mean, got[5], 1e-6, 1e-6);
        Numbers.AssertClose(inverse, got[6], 1e-5);
        Numbers.AssertClose(dx, got[7], tolerance, tolerance * largest);
        Numbers.AssertClose(dWeight, got[8], tolerance, tolerance * Math.Sqrt(rows));
        Numbers.AssertClose(dBias, got[9], tolerance, tolerance * Math.Sqrt(rows));
    }

    /// <summary>x, dy, weight, bias, then y, mean, 1 / deviation, dx, dWeight, dBias.</summary>
    static float[][] Run(CpuDevice device, int rows, int width, float low, float high)
    {
        float[] x = Numbers.Draw(rows * width, 1, low, high), dy = Numbers.Draw(rows * width, 2);
        float[] weight = Numbers.Draw(width, 3), bias = Numbers.Draw(width, 4);
        using var operands = new Operands(device);
        View xView = operands.Of(x), weightView = operands.Of(weight);
        View y = operands.Output(x.Length), mean = operands.Output(rows), inverse = operands.Output(rows);
        View dx = operands.Output(x.Length), dWeight = operands.Output(width), dBias = operands.Output(width);
        device.Normalization.LayerForward(rows, width, Eps, xView, weightView, operands.Of(bias), y, mean, inverse);
        device.Normalization.LayerBackward(
            rows, width, xView, weightView, mean, inverse, operands.Of(dy), dx, dWeight, dBias);
        float[] before = Numbers.Draw(x.Length, 5);
        View added = operands.Of(before);
        device.Normalization.LayerBackward(
            rows, width, xView, weightView, mean, inverse, operands.Of(dy), added, default, default, accumulate: true);
        Assert.Equal(operands.Floats(dx).Zip(before, (a, b) => a + b), operands.Floats(added));
        return [x, dy, weight, bias, .. ((View[])[y, mean, inverse, dx, dWeight, dBias]).Select(operands.Floats)];
    }
}
