namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Batch, instance and group norm of the CUDA kernels, emulated: shapes with several pieces, tiles, rows in a line and
/// tails, aligned and not.
/// </summary>
public class GpuChannelNormTests
{
    const float Eps = 1e-5f;

    [Theory]
    [InlineData(2, 700, 1), InlineData(1, 601, 3), InlineData(3, 150, 5), InlineData(1, 90, 16), InlineData(2, 37, 33)]
    public void A_mean_far_from_zero_costs_no_accuracy(int batch, int spatial, int channels)
    {
        var shape = NormShape.PerChannel(batch, spatial, channels);
        foreach (bool outliers in (bool[])[false, true])
        {
            float[] x = Numbers.Draw((long)batch * spatial * channels, low: 998, high: 1002);
            for (int i = 0; outliers && i < x.Length; i += 199) x[i] = 0;
            using var operands = new Operands(Emulated.Device);
            View mean = operands.Output(channels), variance = operands.Output(channels);
            operands.Device.Normalization.Statistics(shape, operands.Of(x), mean, variance);
            double[] wantMean = new double[channels], wantVariance = new double[channels];
            ChannelNormNaive.Statistics<double>(shape, x.Doubles(), wantMean, wantVariance);
            Numbers.AssertClose(wantMean, operands.Floats(mean), 1.2e-7);
            Numbers.AssertClose(wantVariance, operands.Floats(variance), 3e-6);
        }
    }

    [Fact]
    public void NaN_stays_in_its_channel()
    {
        var shape = NormShape.PerChannel(1, 200, 3);
        float[] x = Numbers.Draw(600);
        x[301] = float.NaN;
        using var operands = new Operands(Emulated.Device);
        View mean = operands.Output(3), variance = operands.Output(3);
        operands.Device.Normalization.Statistics(shape, operands.Of(x), mean, variance);
        Assert.Equal([false, true, false], operands.Floats(mean).Select(float.IsNaN));
        Assert.Equal([false, true, false], operands.Floats(variance).Select(float.IsNaN));
    }

    [Theory]
    [InlineData(1, 900, 16, 0), InlineData(2, 61, 260, 0), InlineData(2, 131, 2, 0), InlineData(1, 77, 7, 0)]
    [InlineData(2, 75, 6, 3), InlineData(2, 33, 5, 5), InlineData(3, 2, 4, 1), InlineData(2, 300, 1, 1)]
    [InlineData(2, 9, 130, 1), InlineData(1, 40, 130, 2), InlineData(1, 33, 5, 5)]
    public void Forward_and_gradients_match(int batch, int spatial, int channels, int groups)
    {
        NormShape shape = groups == 0
            ? NormShape.PerChannel(batch, spatial, channels)
            : NormShape.PerGroup(batch, spatial, channels, groups);
        Check(shape, Activation.Relu, fixedStatistics: false, unaligned: false);
        Check(shape, Activation.None, fixedStatistics: true, unaligned: true);
    }

    [Fact]
    public void Only_the_gradients_that_are_wanted_are_written()
    {
        var shape = NormShape.PerChannel(1, 50, 3);
        using var operands = new Operands(Emulated.Device);
        INormalization kernels = operands.Device.Normalization;
        View x = operands.Of(Numbers.Draw(150)), mean = operands.Of(0, 0, 0), variance = operands.Of(1, 1, 1);
        View dx = operands.Output(150), dBias = operands.Output(3), dWeight = operands.Output(3);
        kernels.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, false, x, dx, default, default);
        kernels.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, false, x, default, dWeight, default);
        kernels.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, true, x, default, default, dBias);
        Assert.All((View[])[dx, dWeight, dBias], view => Assert.DoesNotContain(float.NaN, operands.Floats(view)));
    }

    [Fact]
    public void Running_statistics_use_the_unbiased_variance_and_count_batches()
    {
        using var operands = new Operands(Emulated.Device);
        View runningMean = operands.Of(0, 1), runningVariance = operands.Of(1, 1), batches = operands.Of(41);
        operands.Device.Normalization.UpdateRunning(
            NormShape.PerChannel(1, 4, 2), operands.Of(2, -1), operands.Of(3, 8),
            new(0.1f, runningMean, runningVariance, batches));
        Numbers.AssertClose([0.2, 0.8], operands.Floats(runningMean), 1e-6);
        Numbers.AssertClose([0.9 + 0.1 * 3 * 4 / 3, 0.9 + 0.1 * 8 * 4 / 3], operands.Floats(runningVariance), 1e-6);
        Assert.Equal([42], operands.Floats(batches));
    }

    static void Check(NormShape shape, Activation activation, bool fixedStatistics, bool unaligned)
    {
        long count = shape.Batch * shape.Spatial * shape.Channels;
        float[] x = Numbers.Draw(count, 1, -1, 2), dy = Numbers.Draw(count, 2);
        float[] weight = Numbers.Draw(shape.Channels, 3), bias = Numbers.Draw(shape.Channels, 4);
        double[] mean = new double[shape.Statistics], variance = new double[shape.Statistics];
        ChannelNormNaive.Statistics<double>(shape, x.Doubles(), mean, variance);

        using var operands = new Operands(Emulated.Device);
        INormalization kernels = operands.Device.Normalization;
        View xView = unaligned ? operands.Unaligned(x) : operands.Of(x), dyView = operands.Of(dy);
        View weightView = operands.Of(weight), biasView = operands.Of(bias);
        View meanView = operands.Output(shape.Statistics), varianceView = operands.Output(shape.Statistics);
        View y = operands.Output(count), dx = operands.Output(count);
        View dWeight = operands.Output(shape.Channels), dBias = operands.Output(shape.Channels);
        kernels.Statistics(shape, xView, meanView, varianceView);
        kernels.Normalize(shape, Eps, xView, meanView, varianceView, weightView, biasView, activation, y);
        kernels.Backward(
            shape, Eps, xView, meanView, varianceView, weightView, biasView, activation, fixedStatistics, dyView, dx,
            dWeight, dBias);

        Numbers.AssertClose(mean, operands.Floats(meanView), 1e-6, 1e-6);
        Numbers.AssertClose(variance, operands.Floats(varianceView), 2e-6, 1e-9);
        double[] wantY = new double[count], wantDx = new double[count];
        double[] wantDWeight = new double[shape.Channels], wantDBias = new double[shape.Channels];
        ChannelNormNaive.Normalize<double>(
            shape, Eps, x.Doubles(), mean, variance, weight.Doubles(), bias.Doubles(), activation, wantY);
        ChannelNormNaive.Backward(
            shape, Eps, x.Doubles(), mean, variance, weight.Doubles(), bias.Doubles(), activation, fixedStatistics,
            dy.Doubles(), wantDx, wantDWeight, wantDBias);
        double largest = variance.Append(1).Max(v => 1 / Math.Sqrt(v + Eps)),
            sumOfMany = Math.Sqrt(count / shape.Channels);
        Numbers.AssertClose(wantY, operands.Floats(y), 2e-6, 4e-6);
        Numbers.AssertClose(wantDx, operands.Floats(dx), 2e-6, 4e-6 * largest);
        Numbers.AssertClose(wantDWeight, operands.Floats(dWeight), 2e-6, 2e-6 * sumOfMany);
        Numbers.AssertClose(wantDBias, operands.Floats(dBias), 2e-6, 1e-6 * sumOfMany);
    }
}
