namespace Cfr.Kernels.Cuda;

/// <summary>
/// Brings operands into the form that a kernel takes: of its type, and for the upper rungs so that every 16 bytes along
/// a row can be fetched at once. What does not have it is copied to scratch memory from the pool.
/// </summary>
sealed class MatmulOperands(GpuDevice gpu)
{
    const int PacketBytes = 16, LargestGrid = 65535;

    /// <summary>Replaces an operand by a copy where needed; the copy is to be released after the launch.</summary>
    public DeviceBuffer? Fetchable(ref Matrix operand, DType type, bool wantsPackets, bool isKMajor, int batch)
    {
        if (operand.Data.Type == type && (!wantsPackets || HasPackets(operand, isKMajor, batch))) return null;
        (int rows, int columns) = InMemory(operand);
        if (rows == 0 || columns == 0) return null;
        int perPacket = PacketBytes / type.Bytes(), padded = (columns + perPacket - 1) / perPacket * perPacket;
        int matrices = operand.BatchStride == 0 ? 1 : batch;
        long matrix = (long)rows * padded;
        DeviceBuffer buffer = gpu.Pool.Rent(matrices * matrix * type.Bytes());
        Matrix copy = operand with
        {
            Data = new View(buffer.Address, matrices * matrix, type),
            RowStride = padded,
            BatchStride = operand.BatchStride == 0 ? 0 : matrix,
        };
        Copy(operand, copy, matrices, padded);
        operand = copy;
        return buffer;
    }

    /// <summary>Replaces an operand by a copy whose rows in memory are its columns.</summary>
    public DeviceBuffer Turned(ref Matrix operand, int batch)
    {
        (int rows, int columns) = InMemory(operand);
        int matrices = operand.BatchStride == 0 ? 1 : batch;
        long matrix = (long)columns * rows;
        DeviceBuffer buffer = gpu.Pool.Rent(matrices * matrix * sizeof(float));
        Matrix copy = operand with
        {
            Data = new View(buffer.Address, matrices * matrix, DType.Float32),
            Transposed = !operand.Transposed,
            RowStride = rows,
            BatchStride = operand.BatchStride == 0 ? 0 : matrix,
        };
        gpu.Layout.Copy(
            StridedCopy.Along(
                [matrices, columns, rows], [operand.BatchStride, 1, operand.RowStride], [matrix, rows, 1]),
            operand.Data, copy.Data);
        operand = copy;
        return buffer;
    }

    /// <summary>Copies and converts a batch of matrices, and pads their rows with zeros.</summary>
    public void Copy(Matrix from, Matrix to, int batch, int padded)
    {
        (int rows, int columns) = InMemory(from);
        bool isDense = columns == padded && from.RowStride == columns && to.RowStride == columns
            && (long)rows * columns <= int.MaxValue;
        if (isDense) (rows, columns, padded) = (1, rows * columns, rows * columns);
        bool hasPackets = columns == padded
            && HasPackets(from, isKMajor: true, batch) && HasPackets(to, isKMajor: true, batch);
        Kernel<PackArguments> kernel = OperandPack.For(from.Data.Type, to.Data.Type, hasPackets);
        int width = gpu.BlockSize(kernel) * 8;
        int across = Math.Max(1, Math.Min((padded + width - 1) / width, gpu.FullGrid));
        var arguments = new PackArguments
        {
            From = from.Data.Address,
            To = to.Data.Address,
            FromRow = from.RowStride,
            ToRow = to.RowStride,
            FromBatch = from.BatchStride,
            ToBatch = to.BatchStride,
            Rows = rows,
            Columns = columns,
            Padded = padded,
        };
        int down = Math.Clamp(gpu.FullGrid / across, 1, Math.Min(rows, LargestGrid));
        for (; arguments.FirstMatrix < batch; arguments.FirstMatrix += LargestGrid)
            gpu.Launch(kernel, arguments, across, down, Math.Min(LargestGrid, batch - arguments.FirstMatrix));
    }

    static (int Rows, int Columns) InMemory(Matrix matrix) =>
        matrix.Transposed ? (matrix.Columns, matrix.Rows) : (matrix.Rows, matrix.Columns);

    /// <summary>
    /// Rows begin at multiples of 16 bytes; and if the sum runs along them, they end there, since what follows would be
    /// summed too. Otherwise it only makes sums that nobody stores: it can be read, as buffers are multiples of 64
    /// bytes.
    /// </summary>
    public static bool HasPackets(Matrix matrix, bool isKMajor, int batch)
    {
        int bytes = matrix.Data.Type.Bytes();
        return matrix.Data.Address % PacketBytes == 0 && matrix.RowStride * bytes % PacketBytes == 0
            && (batch == 1 || matrix.BatchStride * bytes % PacketBytes == 0)
            && (!isKMajor || (long)InMemory(matrix).Columns * bytes % PacketBytes == 0);
    }
}
