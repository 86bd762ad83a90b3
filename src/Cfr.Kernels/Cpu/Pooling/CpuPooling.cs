namespace Cfr.Kernels.Cpu;

/// <summary>
/// Max pooling. Forward, a piece is some output rows; backward, a slab of input rows, which looks through the windows
/// that touch it in their order: gradients of overlapping windows add up in one order whatever the pieces.
/// </summary>
sealed unsafe class CpuPooling<V>(Threads threads, BufferPool pool) : IPooling where V : struct, IVector<V>
{
    const long SmallestPiece = 8192;

    public void MaxForward(PoolingShape shape, View x, View y, View argMax)
    {
        long outputRows = (long)shape.Batch * shape.Output.D * shape.Output.H;
        long floatsOfRow = Math.Max(1, (long)shape.Output.W * shape.Channels);
        DeviceBuffer offsets = pool.Rent(shape.Kernel.Voxels * sizeof(int));
        int* offset = (int*)offsets.Address;
        MaxPoolForward<V>.FillOffsets(shape, offset);
        threads.For(outputRows, Math.Max(1, SmallestPiece / floatsOfRow), (first, last) =>
        {
            for (long row = first; row < last; row++)
            {
                MaxPoolForward<V>.Row(
                    shape, offset, row, x.Floats, y.Floats + row * floatsOfRow, argMax.Ints + row * floatsOfRow);
            }
        });
        offsets.Release();
    }

    public void MaxBackward(PoolingShape shape, View dy, View argMax, View dx)
    {
        long inputRows = (long)shape.Input.D * shape.Input.H;
        // A window that lies in one slab is looked at once: slabs begin where a window does, whole planes of a volume.
        long step = shape.Input.D > 1 ? (long)shape.Stride.D * shape.Input.H : shape.Stride.H;
        long floatsOfStep = Math.Max(1, step * shape.Input.W * shape.Channels);
        long rowsOfSlab = step * ((SmallestPiece + floatsOfStep - 1) / floatsOfStep);
        int slabs = (int)((inputRows + rowsOfSlab - 1) / rowsOfSlab);
        threads.For(checked(shape.Batch * slabs), piece =>
        {
            long first = piece % slabs * rowsOfSlab;
            MaxPoolBackward.Slab(
                shape, piece / slabs, first, Math.Min(inputRows, first + rowsOfSlab), dy.Floats, argMax.Ints,
                dx.Floats);
        });
    }
}
