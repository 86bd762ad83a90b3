using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="RunningStatistics"/>.</summary>
struct RunningArguments
{
    public long Mean, Variance, RunningMean, RunningVariance, Batches;
    public int Count;
    public float Momentum, Unbiased;
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
        float keep = 1 - a.Momentum;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX;
        if (thread == 0 && a.Batches != 0) *(float*)a.Batches += 1;
        for (int i = thread; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            runningMean[i] = keep * runningMean[i] + a.Momentum * mean[i];
            runningVariance[i] = keep * runningVariance[i] + a.Momentum * (a.Unbiased * variance[i]);
        }
    }
}
