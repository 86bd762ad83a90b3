namespace Cfr.Kernels.Cpu;

/// <summary>
/// Resizing axis by axis, in <see cref="ResamplingShape.AxisOrder"/>. Backward is the same with transposed weights, so
/// both only gather, and no two threads meet in one element.
/// </summary>
sealed unsafe class CpuResampling<V>(Threads threads, BufferPool pool) : IResampling where V : struct, IVector<V>
{
    const long SmallestPiece = 16384;

    public void Forward(ResamplingShape shape, View x, View y) =>
        Resize(shape, shape.Input, shape.Output, x, y, AxisWeights.Forward);

    public void Backward(ResamplingShape shape, View dy, View dx) =>
        Resize(shape, shape.Output, shape.Input, dy, dx, (pool, n, m, interpolation, alignCorners) =>
            AxisWeights.Transposed(pool, m, n, interpolation, alignCorners));

    void Resize(
        ResamplingShape shape, Extent from, Extent to, View x, View y,
        Func<BufferPool, int, int, Interpolation, bool, AxisWeights> weights)
    {
        int[] sizes = [from.D, from.H, from.W], wanted = [to.D, to.H, to.W];
        int[] order = ResamplingShape.AxisOrder(sizes, wanted);
        if (order.Length == 0)
        {
            threads.For(x.Count, SmallestPiece, (first, last) =>
            {
                long bytes = (last - first) * sizeof(float);
                Buffer.MemoryCopy(x.Floats + first, y.Floats + first, bytes, bytes);
            });
            return;
        }

        float* source = x.Floats;
        DeviceBuffer? between = null;
        foreach (int axis in order)
        {
            int n = sizes[axis], m = wanted[axis];
            sizes[axis] = m;
            long inner = shape.Channels, outer = shape.Batch;
            for (int i = axis + 1; i < 3; i++) inner *= sizes[i];
            for (int i = 0; i < axis; i++) outer *= sizes[i];

            DeviceBuffer? result = axis == order[^1] ? null : pool.Rent(outer * m * inner * sizeof(float));
            float* input = source, target = result is null ? y.Floats : (float*)result.Address;
            AxisWeights matrix = weights(pool, n, m, shape.Interpolation, shape.AlignCorners);
            threads.For(outer * m, Math.Max(1, SmallestPiece / Math.Max(1, inner)), (first, last) =>
                AxisPass<V>.Rows(matrix, first, last, n, inner, input, target));
            matrix.Release();
            between?.Release();
            between = result;
            source = target;
        }
    }
}
