namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuPooling(Threads threads) : IPooling
{
    public void MaxForward(PoolingShape shape, View x, View y, View argMax) => throw new NotSupportedException();

    public void MaxBackward(PoolingShape shape, View dy, View argMax, View dx) => throw new NotSupportedException();
}
