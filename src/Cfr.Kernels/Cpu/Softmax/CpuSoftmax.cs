namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuSoftmax<V>(Threads threads) : ISoftmax where V : struct, IVector<V>
{
    public void Forward(long rows, int width, View x, View y) => throw new NotSupportedException();

    public void Backward(long rows, int width, View y, View dy, View dx) => throw new NotSupportedException();

    public void LogForward(long rows, int width, View x, View y) => throw new NotSupportedException();

    public void LogBackward(long rows, int width, View y, View dy, View dx) => throw new NotSupportedException();
}
