namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuReduction<V>(Threads threads, BufferPool pool) : IReduction where V : struct, IVector<V>
{
    public void Sum(long outer, long middle, long inner, View x, View y, float scale = 1, bool accumulate = false) => throw new NotSupportedException();

    public void Max(long outer, long middle, long inner, View x, View y, View index) => throw new NotSupportedException();

    public void ArgMax(long outer, long middle, long inner, View x, View index) => throw new NotSupportedException();
}
