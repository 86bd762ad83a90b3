namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuResampling<V>(Threads threads, BufferPool pool) : IResampling where V : struct, IVector<V>
{
    public void Forward(ResamplingShape shape, View x, View y) => throw new NotSupportedException();

    public void Backward(ResamplingShape shape, View dy, View dx) => throw new NotSupportedException();
}
