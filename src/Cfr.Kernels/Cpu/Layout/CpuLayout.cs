namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuLayout<V>(Threads threads) : ILayout where V : struct, IVector<V>
{
    public void Copy(StridedCopy copy, View source, View target, bool accumulate = false) => throw new NotSupportedException();

    public void Gather(long rows, int width, View table, View index, View y) => throw new NotSupportedException();

    public void ScatterAdd(long rows, int width, long tableRows, View dy, View index, View dTable) => throw new NotSupportedException();
}
