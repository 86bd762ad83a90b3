namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuNormalization<V>(Threads threads, BufferPool pool) : INormalization where V : struct, IVector<V>
{
    public void LayerForward(long rows, int width, float eps, View x, View weight, View bias, View y, View mean, View inverseDeviation) => throw new NotSupportedException();

    public void LayerBackward(long rows, int width, View x, View weight, View mean, View inverseDeviation, View dy, View dx, View dWeight, View dBias) => throw new NotSupportedException();

    public void Statistics(NormShape shape, View x, View mean, View variance) => throw new NotSupportedException();

    public void UpdateRunning(NormShape shape, float momentum, View mean, View variance, View runningMean, View runningVariance) => throw new NotSupportedException();

    public void Normalize(NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation, View y) => throw new NotSupportedException();

    public void Backward(NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation, bool fixedStatistics, View dy, View dx, View dWeight, View dBias) => throw new NotSupportedException();
}
