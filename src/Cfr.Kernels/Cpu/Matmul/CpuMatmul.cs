namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuMatmul<V>(Threads threads, BufferPool pool) : IMatmul where V : struct, IVector<V>
{
    public void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default) => throw new NotSupportedException();
}
