using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Batch, instance and group norm of <c>[Batch, Spatial, Channels]</c> in their plain form. Element (b, s, c) belongs
/// to statistic c / (Channels / Groups), plus b Groups where samples have their own. y = act(n w + bias) with n = (x -
/// mean) / sqrt(variance + eps).
/// </summary>
static class ChannelNormNaive
{
    public static void Statistics<T>(NormShape shape, ReadOnlySpan<T> x, Span<T> mean, Span<T> variance)
        where T : IFloatingPointIeee754<T>
    {
        T count = T.CreateChecked(shape.Count);
        mean.Clear();
        variance.Clear();
        for (int i = 0; i < x.Length; i++) mean[StatisticOf(shape, i)] += x[i];
        foreach (ref T m in mean) m /= count;
        for (int i = 0; i < x.Length; i++)
        {
            T deviation = x[i] - mean[StatisticOf(shape, i)];
            variance[StatisticOf(shape, i)] += deviation * deviation;
        }
        foreach (ref T v in variance) v /= count;
    }

    public static void UpdateRunning<T>(
        NormShape shape, T momentum, ReadOnlySpan<T> mean, ReadOnlySpan<T> variance, Span<T> runningMean,
        Span<T> runningVariance)
        where T : IFloatingPointIeee754<T>
    {
        T count = T.CreateChecked(shape.Count), unbiased = count / (count - T.One);
        for (int i = 0; i < mean.Length; i++)
        {
            runningMean[i] = (T.One - momentum) * runningMean[i] + momentum * mean[i];
            runningVariance[i] = (T.One - momentum) * runningVariance[i] + momentum * unbiased * variance[i];
        }
    }

    public static void Normalize<T>(
        NormShape shape, T eps, ReadOnlySpan<T> x, ReadOnlySpan<T> mean, ReadOnlySpan<T> variance,
        ReadOnlySpan<T> weight,
        ReadOnlySpan<T> bias, Activation activation, Span<T> y) where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < x.Length; i++)
        {
            int statistic = StatisticOf(shape, i), c = i % shape.Channels;
            T normal = (x[i] - mean[statistic]) / T.Sqrt(variance[statistic] + eps);
            T w = weight.IsEmpty ? T.One : weight[c], b = bias.IsEmpty ? T.Zero : bias[c];
            y[i] = ActivationNaive.Apply(activation, normal * w + b);
        }
    }

    /// <summary>
    /// With g = dy act'(n w + bias): dw = sum g n, dbias = sum g per channel, and over the elements of a statistic
    /// dx = (g w - mean(g w) - n mean(g w n)) / sqrt(variance + eps); constant statistics drop both means.
    /// </summary>
    public static void Backward<T>(
        NormShape shape, T eps, ReadOnlySpan<T> x, ReadOnlySpan<T> mean, ReadOnlySpan<T> variance,
        ReadOnlySpan<T> weight,
        ReadOnlySpan<T> bias, Activation activation, bool fixedStatistics, ReadOnlySpan<T> dy, Span<T> dx,
        Span<T> dWeight, Span<T> dBias) where T : IFloatingPointIeee754<T>
    {
        T count = T.CreateChecked(shape.Count);
        var sumGW = new T[shape.Statistics];
        var sumGWN = new T[shape.Statistics];
        dWeight.Clear();
        dBias.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            int statistic = StatisticOf(shape, i), c = i % shape.Channels;
            T normal = (x[i] - mean[statistic]) / T.Sqrt(variance[statistic] + eps);
            T w = weight.IsEmpty ? T.One : weight[c], b = bias.IsEmpty ? T.Zero : bias[c];
            T g = dy[i] * ActivationNaive.Derivative(activation, normal * w + b);
            sumGW[statistic] += g * w;
            sumGWN[statistic] += g * w * normal;
            if (!dWeight.IsEmpty) dWeight[c] += g * normal;
            if (!dBias.IsEmpty) dBias[c] += g;
        }
        for (int i = 0; i < dx.Length; i++)
        {
            int statistic = StatisticOf(shape, i), c = i % shape.Channels;
            T inverse = T.One / T.Sqrt(variance[statistic] + eps), normal = (x[i] - mean[statistic]) * inverse;
            T w = weight.IsEmpty ? T.One : weight[c], b = bias.IsEmpty ? T.Zero : bias[c];
            T g = dy[i] * ActivationNaive.Derivative(activation, normal * w + b);
            dx[i] = fixedStatistics
                ? g * w * inverse
                : inverse * (g * w - sumGW[statistic] / count - normal * sumGWN[statistic] / count);
        }
    }

    static int StatisticOf(NormShape shape, int element)
    {
        int c = element % shape.Channels, b = (int)(element / (shape.Spatial * shape.Channels));
        return c / (shape.Channels / shape.Groups) + (shape.AcrossBatch ? 0 : b * shape.Groups);
    }
}
