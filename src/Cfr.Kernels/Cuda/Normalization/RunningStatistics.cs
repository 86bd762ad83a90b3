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
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += Grid.DimX * Group.DimX) Update(a, i);
    }

    /// <summary>Those of one statistic; the first one counts the batch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update(RunningArguments a, int i)
    {
        float* mean = (float*)a.Mean, variance = (float*)a.Variance;
        float* runningMean = (float*)a.RunningMean, runningVariance = (float*)a.RunningVariance;
        float keep = 1 - a.Momentum;
        runningMean[i] = keep * runningMean[i] + a.Momentum * mean[i];
        runningVariance[i] = keep * runningVariance[i] + a.Momentum * (a.Unbiased * variance[i]);
        if (i == 0 && a.Batches != 0) *(float*)a.Batches += 1;
    }
}
