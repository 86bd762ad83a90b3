using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

/// <summary>Batch, instance and group norm against their plain form in double precision, on random shapes.</summary>
public class ChannelNormTests
{
    const float Eps = 1e-5f;

    public static TheoryData<int> Forms => CpuForms.Indices;

    static readonly int[] ChannelCounts = [1, 2, 3, 4, 5, 7, 8, 12, 14, 16, 17, 31, 32, 33, 48, 64, 96, 255, 256, 1040];

    [Theory, MemberData(nameof(Forms))]
    public void Statistics_of_any_shape_match(int form)
    {
        foreach (NormShape shape in Shapes(seed: 3, count: 60))
        {
            float[] x = Numbers.Draw(Count(shape), low: -1, high: 3);
            (float[] mean, float[] variance) = Statistics(CpuForms.All[form], shape, x);
            (double[] wantMean, double[] wantVariance) = Want(shape, x);
            Numbers.AssertClose(wantMean, mean, 1e-6, 1e-6);
            Numbers.AssertClose(wantVariance, variance, 2e-6, 1e-9);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void A_mean_far_from_zero_costs_no_accuracy(int form)
    {
        foreach (int channels in (int[])[1, 2, 3, 16, 100])
        {
            var shape = NormShape.PerChannel(2, 60000 / channels + 7, channels);
            float[] x = Numbers.Draw(Count(shape), low: 998, high: 1002);
            // Outliers, so that no single value is a good guess of the mean.
            for (int i = 0; i < x.Length; i += 997) x[i] = 0;
            (float[] mean, float[] variance) = Statistics(CpuForms.All[form], shape, x);
            (double[] wantMean, double[] wantVariance) = Want(shape, x);
            Numbers.AssertClose(wantMean, mean, 1.2e-7);
            Numbers.AssertClose(wantVariance, variance, 2e-6);

            float[] smooth = Numbers.Draw(Count(shape), low: 998, high: 1002);
            (_, variance) = Statistics(CpuForms.All[form], shape, smooth);
            Numbers.AssertClose(Want(shape, smooth).Variance, variance, 2e-6);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Forward_and_gradients_of_any_shape_match(int form)
    {
        var random = new Random(5);
        foreach (NormShape shape in Shapes(seed: 4, count: 60))
        {
            var activation = (Activation)random.Next(3);
            bool fixedStatistics = random.Next(3) == 0, hasWeight = random.Next(3) > 0, hasBias = random.Next(3) > 0;
            Check(CpuForms.All[form], shape, activation, fixedStatistics, hasWeight, hasBias);
        }
    }

    [Fact]
    public void Only_the_gradients_that_are_wanted_are_written()
    {
        var shape = NormShape.PerChannel(1, 50, 3);
        CpuDevice device = CpuForms.All[1];
        using var operands = new Operands(device);
        View x = operands.Of(Numbers.Draw(150)), mean = operands.Of(0, 0, 0), variance = operands.Of(1, 1, 1);
        View dx = operands.Output(150), dBias = operands.Output(3), dWeight = operands.Output(3);
        device.Normalization.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, false, x, dx, default, default);
        device.Normalization.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, false, x, default, dWeight, default);
        device.Normalization.Backward(
            shape, Eps, x, mean, variance, default, default, Activation.None, true, x, default, default, dBias);
        Assert.All((View[])[dx, dWeight, dBias], view => Assert.DoesNotContain(float.NaN, operands.Floats(view)));
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        var shape = NormShape.PerGroup(2, 40001, 6, 3);
        Assert.Equal(
            Gradients(CpuForms.All[1], shape, Activation.Relu, false, true, true),
            Gradients(CpuForms.All[2], shape, Activation.Relu, false, true, true));
    }

    [Fact]
    public void NaN_stays_in_its_channel()
    {
        var shape = NormShape.PerChannel(1, 200, 3);
        float[] x = Numbers.Draw(600);
        x[301] = float.NaN;
        (float[] mean, float[] variance) = Statistics(CpuForms.All[1], shape, x);
        Assert.Equal([false, true, false], mean.Select(float.IsNaN));
        Assert.Equal([false, true, false], variance.Select(float.IsNaN));
    }

    [Fact]
    public void Running_statistics_use_the_unbiased_variance_and_count_batches()
    {
        CpuDevice device = CpuForms.All[1];
        using var operands = new Operands(device);
        View mean = operands.Of(2, -1), variance = operands.Of(3, 8);
        View runningMean = operands.Of(0, 1), runningVariance = operands.Of(1, 1), batches = operands.Of(41);
        device.Normalization.UpdateRunning(
            NormShape.PerChannel(1, 4, 2), mean, variance, new(0.1f, runningMean, runningVariance, batches));
        Numbers.AssertClose([0.2, 0.8], operands.Floats(runningMean), 1e-6);
        Numbers.AssertClose([0.9 + 0.1 * 3 * 4 / 3, 0.9 + 0.1 * 8 * 4 / 3], operands.Floats(runningVariance), 1e-6);
        Assert.Equal([42], operands.Floats(batches));
    }

    static IEnumerable<NormShape> Shapes(int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            int channels = ChannelCounts[random.Next(ChannelCounts.Length)], batch = random.Next(1, 4);
            int spatial = random.Next(2, random.Next(4) == 0 ? 4 + 150000 / channels : 40);
            int[] divisors = [.. Enumerable.Range(1, channels).Where(d => channels % d == 0)];
            yield return random.Next(2) == 0
                ? NormShape.PerChannel(batch, spatial, channels)
                : NormShape.PerGroup(batch, spatial, channels, divisors[random.Next(divisors.Length)]);
        }
        yield return NormShape.PerChannel(0, 5, 3) with { AcrossBatch = false };
    }

    static long Count(NormShape shape) => shape.Batch * shape.Spatial * shape.Channels;

    static (double[] Mean, double[] Variance) Want(NormShape shape, float[] x)
    {
        double[] mean = new double[shape.Statistics], variance = new double[shape.Statistics];
        ChannelNormNaive.Statistics<double>(shape, x.Doubles(), mean, variance);
        return (mean, variance);
    }

    static (float[] Mean, float[] Variance) Statistics(CpuDevice device, NormShape shape, float[] x)
    {
        using var operands = new Operands(device);
        View mean = operands.Output(shape.Statistics), variance = operands.Output(shape.Statistics);
        device.Normalization.Statistics(shape, operands.Of(x), mean, variance);
        return (operands.Floats(mean), operands.Floats(variance));
    }

    /// <summary>Inputs, then y, dx, dWeight, dBias.</summary>
    static float[][] Gradients(
        CpuDevice device, NormShape shape, Activation activation, bool fixedStatistics, bool hasWeight, bool hasBias)
    {
        float[] x = Numbers.Draw(Count(shape), 1, -1, 2), dy = Numbers.Draw(Count(shape), 2);
        float[] weight = Numbers.Draw(shape.Channels, 3), bias = Numbers.Draw(shape.Channels, 4);
        (float[] mean, float[] variance) = Statistics(device, shape, x);
        using var operands = new Operands(device);
        View xView = operands.Of(x), dyView = operands.Of(dy);
        View meanView = operands.Of(mean), varianceView = operands.Of(variance);
        View weightView = hasWeight ? operands.Of(weight) : default, biasView = hasBias ? operands.Of(bias) : default;
        View y = operands.Output(x.Length), dx = operands.Output(x.Length);
        View dWeight = operands.Output(shape.Channels), dBias = operands.Output(shape.Channels);
        device.Normalization.Normalize(shape, Eps, xView, meanView, varianceView, weightView, biasView, activation, y);
        device.Normalization.Backward(
            shape, Eps, xView, meanView, varianceView, weightView, biasView, activation, fixedStatistics, dyView, dx,
            dWeight, dBias);
        return
        [
            x, dy, weight, bias, mean, variance,
            operands.Floats(y), operands.Floats(dx), operands.Floats(dWeight), operands.Floats(dBias),
        ];
    }

    static void Check(
        CpuDevice device, NormShape shape, Activation activation, bool fixedStatistics, bool hasWeight, bool hasBias)
    {
        float[][] got = Gradients(device, shape, activation, fixedStatistics, hasWeight, hasBias);
        double[][] inputs = [.. got[..6].Select(Numbers.Doubles)];
        double[] weight = hasWeight ? inputs[2] : [], bias = hasBias ? inputs[3] : [];
        double[] y = new double[got[6].Length], dx = new double[y.Length];
        double[] dWeight = new double[shape.Channels], dBias = new double[shape.Channels];
        ChannelNormNaive.Normalize(shape, Eps, inputs[0], inputs[4], inputs[5], weight, bias, activation, y);
        ChannelNormNaive.Backward(
            shape, Eps, inputs[0], inputs[4], inputs[5], weight, bias, activation, fixedStatistics, inputs[1],
            dx, dWeight, dBias);
        Numbers.AssertClose(y, got[6], 2e-6, 2e-6);
        // Two values per statistic leave gradients near zero, which is what is left of terms up to 1 / deviation.
        double largest = inputs[5].Append(1).Select(v => 1 / Math.Sqrt(v + Eps)).Max();
        Numbers.AssertClose(dx, got[7], 2e-6, 3e-6 * largest);
        double sumOfMany = Math.Sqrt(y.Length / shape.Channels);
        Numbers.AssertClose(dWeight, got[8], 2e-6, 1e-6 * sumOfMany);
        Numbers.AssertClose(dBias, got[9], 2e-6, 1e-6 * sumOfMany);
    }
}
