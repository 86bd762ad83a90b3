using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="RunningStatistics"/>.</summary>
struct RunningArguments
{
    public long Mean, Variance, RunningMean, RunningVariance, Batches;
    public int Count;
    public float Momentum, Unbiased;

    public static RunningArguments Of(NormShape shape, View mean, View variance, RunningView running) => new()
    {
        Mean = mean.Address,
        Variance = variance.Address,
        RunningMean = running.Mean.Address,
        RunningVariance = running.Variance.Address,
        Batches = running.Batches.Address,
        Count = shape.Statistics,
        Momentum = running.Momentum,
        Unbiased = (float)(shape.Count / (shape.Count - 1.0)),
    };
}

/// <summary>
/// running = (1 - momentum) running + momentum new, the variance times n / (n - 1); and batches + 1. A thread a statistic.
/// </summary>
static unsafe class RunningStatistics
{
    public static void Update(RunningArguments a)
    {
        float* mean = (float*)a.Mean, variance = (float*)a.Variance;
        float* runningMean = (float*)a.RunningMean, runningVariance = (float*)a.RunningVariance;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            Update(a, i, runningMean[i], runningVariance[i], mean[i], variance[i]);
            if (i == 0 && a.Batches != 0) *(float*)a.Batches += 1;
        }
    }

    /// <summary>Those of one statistic, from what they were and what is new.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update(
        RunningArguments a, int i, float runningMean, float runningVariance, float mean, float variance)
    {
        float keep = 1 - a.Momentum;
        ((float*)a.RunningMean)[i] = keep * runningMean + a.Momentum * mean;
        ((float*)a.RunningVariance)[i] = keep * runningVariance + a.Momentum * (a.Unbiased * variance);
    }
}
