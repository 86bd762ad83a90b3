using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Layer norm of the CUDA kernels, emulated: narrow, wide and unaligned rows.</summary>
public class GpuLayerNormTests
{
    const float Eps = 1e-6f;

    [Theory]
    [InlineData(37, 1), InlineData(21, 7), InlineData(40, 16), InlineData(9, 100), InlineData(5, 256)]
    [InlineData(3, 260), InlineData(3, 1028), InlineData(2, 1031)]
    public void Any_width_matches(int rows, int width)
    {
        Check(rows, width, unaligned: false, low: -1, high: 2, 4e-6);
        Check(rows, width, unaligned: true, low: -1, high: 2, 4e-6);
    }

    [Fact]
    public void A_mean_far_from_zero_costs_only_the_digits_of_the_stored_mean() =>
        Check(5, 200, unaligned: false, low: 999, high: 1001, 2e-4);

    static void Check(int rows, int width, bool unaligned, float low, float high, double tolerance)
    {
        float[] x = Numbers.Draw(rows * width, 1, low, high), dy = Numbers.Draw(rows * width, 2);
        float[] weight = Numbers.Draw(width, 3), bias = Numbers.Draw(width, 4);
        using var operands = new Operands(Emulated.Device);
        INormalization kernels = operands.Device.Normalization;
        View xView = unaligned ? operands.Unaligned(x) : operands.Of(x), weightView = operands.Of(weight);
        View dyView = operands.Of(dy);
        View y = operands.Output(x.Length), mean = operands.Output(rows), inverse = operands.Output(rows);
        kernels.LayerForward(rows, width, Eps, xView, weightView, operands.Of(bias), y, mean, inverse);
        View half = operands.Output((x.Length + 1) / 2) with { Type = DType.BFloat16, Count = x.Length };
        kernels.LayerForward(rows, width, Eps, xView, weightView, operands.Of(bias), half, mean, inverse);
        View dx = operands.Output(x.Length), dWeight = operands.Output(width), dBias = operands.Output(width);
        kernels.LayerBackward(rows, width, xView, weightView, mean, inverse, dyView, dx, dWeight, dBias);
        View dxAlone = operands.Output(x.Length), dBiasAlone = operands.Output(width);
        kernels.LayerBackward(rows, width, xView, weightView, mean, inverse, dyView, dxAlone, default, default);
        kernels.LayerBackward(rows, width, xView, weightView, mean, inverse, dyView, default, default, dBiasAlone);
        float[] before = Numbers.Draw(x.Length, 5);
        View dxAdded = operands.Of(before), dxAddedAlone = operands.Of(before);
        kernels.LayerBackward(
            rows, width, xView, weightView, mean, inverse, dyView, dxAdded, dWeight, dBias, accumulate: true);
        kernels.LayerBackward(
            rows, width, xView, weightView, mean, inverse, dyView, dxAddedAlone, default, default, accumulate: true);

        double[] wantY = new double[x.Length], wantMean = new double[rows], wantInverse = new double[rows];
        double[] wantDx = new double[x.Length], wantDWeight = new double[width], wantDBias = new double[width];
        LayerNormNaive.Forward(
            rows, width, Eps, x.Doubles(), weight.Doubles(), bias.Doubles(), wantY, wantMean, wantInverse);
        LayerNormNaive.Backward<double>(
            rows, width, x.Doubles(), weight.Doubles(), operands.Floats(mean).Doubles(),
            operands.Floats(inverse).Doubles(), dy.Doubles(), wantDx, wantDWeight, wantDBias);
        double largest = wantInverse.Max();
        Numbers.AssertClose(wantY, operands.Floats(y), tolerance, tolerance);
        ushort[] halves = new ushort[x.Length];
        operands.Device.Download<ushort>(half, halves);
        Assert.Equal(operands.Floats(y).Select(value => (ushort)Ptx.ToBFloat16Pair(value, 0)), halves);
        Numbers.AssertClose(wantMean, operands.Floats(mean), 1e-6, 1e-6);
        Numbers.AssertClose(wantInverse, operands.Floats(inverse), 1e-5);
        Numbers.AssertClose(wantDx, operands.Floats(dx), tolerance, tolerance * largest);
        Numbers.AssertClose(wantDx, operands.Floats(dxAlone), tolerance, tolerance * largest);
        Assert.Equal(operands.Floats(dx).Zip(before, (a, b) => a + b), operands.Floats(dxAdded));
        Assert.Equal(operands.Floats(dxAlone).Zip(before, (a, b) => a + b), operands.Floats(dxAddedAlone));
        Numbers.AssertClose(wantDWeight, operands.Floats(dWeight), tolerance, tolerance * Math.Sqrt(rows));
        Numbers.AssertClose(wantDBias, operands.Floats(dBias), tolerance, tolerance * Math.Sqrt(rows));
        Numbers.AssertClose(wantDBias, operands.Floats(dBiasAlone), tolerance, tolerance * Math.Sqrt(rows));
    }
}
