namespace Cfr.Kernels.Cuda;

/// <summary>The rungs of attention's ladder: naive, flash with shared memory, flash on tensor cores.</summary>
enum AttentionRung
{
    /// <summary>One thread an element of the result.</summary>
    Naive,
    /// <summary>Flash attention with shared memory: tiles there, sums in registers, float32.</summary>
    SharedMemory,
    /// <summary>Flash attention on tensor cores, in the device's precision; TF32 where that is float32.</summary>
    TensorCores,
}

/// <summary>
/// Flash attention's way: relative positions' part of the logits, packing, one kernel. Sizes, the device's precision and
/// whether it has warp groups choose it.
/// </summary>
sealed class FlashForward(GpuDevice gpu)
{
    const int LargestGridZ = 65535;

    /// <summary>By how much the naive form, which computes logits again and again, earns its launches less.</summary>
    const double NaiveWaste = 16;

    /// <summary>
    /// The highest rung of the precision that takes this shape, or the lowest where it does not matter.
    /// </summary>
    public AttentionRung Highest(AttentionShape shape, RelativePositions positions) =>
        shape.HeadWidth > FlashSharedMemory.WidestHead ? AttentionRung.Naive
        : shape.Flop / 2 * NaiveWaste <= gpu.SmallWork ? AttentionRung.Naive
        : gpu.Precision != Precision.Float32 && TensorKernel(shape, positions) is not null ? AttentionRung.TensorCores
        : AttentionRung.SharedMemory;

    /// <summary>Attention on rung 3.</summary>
    public void TensorCores(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp)
    {
        int images = shape.Batch * shape.Heads;
        if (images == 0 || shape.Queries == 0) return;
        FlashKernel flash = TensorKernel(shape, positions)
            ?? throw new ArgumentException($"no tensor-core kernel takes {shape}");
        int rowBytes = flash.Width * Family.Type.Bytes();
        bool inStrips = Family.OfStrips.Contains(flash);
        int keys = inStrips ? shape.GridHeight * PositionsOfStrips.Columns : shape.Keys;
        var ofKeys = new PackedOperand
        {
            Tokens = keys,
            Factor = 1,
            StripColumns = inStrips ? shape.GridWidth : 0,
        };
        long queryBytes = (long)images * shape.Queries * rowBytes, keyBytes = (long)images * keys * rowBytes;
        DeviceBuffer packed = gpu.Pool.Rent(queryBytes + 2 * keyBytes);
        long packedKeys = packed.Address + queryBytes, packedValues = packedKeys + keyBytes;
        float factor = shape.Scale * FlashAttention.Log2OfE;
        Pack(
            shape, q.Data.Type, rowBytes,
            new PackedOperand
            {
                From = new TokenRows(q),
                To = packed.Address,
                Tokens = shape.Queries,
                Factor = factor,
            },
            ofKeys with { From = new TokenRows(k), To = packedKeys },
            ofKeys with { From = new TokenRows(v), To = packedValues });
        var (ofRows, ofColumns) = Family.Type == DType.BFloat16 && factor != 0
            ? PackedRelativeLogits.Compute(gpu, shape, packed.Address, flash.Width, factor, inOrder: false, positions)
            : RelativeLogits.Compute(gpu, shape, q, positions);

        int tiles = Parts(shape.Queries, flash.Queries);
        var arguments = new FlashArguments
        {
            Q = packed.Address,
            K = packedKeys,
            V = packedValues,
            Y = new TokenRows(y),
            IsHalf = y.Data.Type == DType.BFloat16 ? 1 : 0,
            LogSumExp = logSumExp.Address,
            RowLogits = ofRows?.Address ?? 0,
            ColumnLogits = ofColumns?.Address ?? 0,
            Queries = shape.Queries,
            Keys = keys,
            HeadWidth = shape.HeadWidth,
            GridHeight = shape.GridHeight,
            GridWidth = new Divisor(Math.Max(shape.GridWidth, 1)),
            Heads = new Divisor(shape.Heads),
            Tiles = new Divisor(tiles),
            Windows = new WindowGrid(shape),
        };
        gpu.Launch(flash.Kernel, arguments, checked(tiles * images));
        packed.Release();
        ofRows?.Release();
        ofColumns?.Release();
    }

    /// <summary>Attention on rung 2.</summary>
    public void SharedMemory(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp)
    {
        int images = shape.Batch * shape.Heads;
        if (images == 0 || shape.Queries == 0) return;
        var (ofRows, ofColumns) = RelativeLogits.Compute(gpu, shape, q, positions);
        int tiles = Parts(shape.Queries, FlashSharedMemory.Queries);
        gpu.Launch(
            FlashSharedMemory.For(shape.HeadWidth),
            new FlashSharedArguments
            {
                Q = new TokenRows(q),
                K = new TokenRows(k),
                V = new TokenRows(v),
                Y = new TokenRows(y),
                LogSumExp = logSumExp.Address,
                RowLogits = ofRows?.Address ?? 0,
                ColumnLogits = ofColumns?.Address ?? 0,
                Queries = shape.Queries,
                Keys = shape.Keys,
                HeadWidth = shape.HeadWidth,
                GridHeight = shape.GridHeight,
                Packed = TokenRows.HavePackets(shape, DType.Float32, new(q), new(k), new(v)) ? 1 : 0,
                Scale = shape.Scale,
                GridWidth = new Divisor(Math.Max(shape.GridWidth, 1)),
                Heads = new Divisor(shape.Heads),
                Tiles = new Divisor(tiles),
                Windows = new WindowGrid(shape),
            },
            checked(tiles * images));
        ofRows?.Release();
        ofColumns?.Release();
    }

    FlashFamily Family => gpu.Precision != Precision.BFloat16 ? FlashKernels.Tf32
        : gpu.HasWarpgroups ? FlashKernels.BFloat16OfHopper
        : FlashKernels.BFloat16;

    /// <summary>The narrowest kernel on tensor cores for this shape; null where there is none.</summary>
    FlashKernel? TensorKernel(AttentionShape shape, RelativePositions positions)
    {
        FlashKernel[] kernels = positions.IsNone ? Family.None
            : Math.Max(shape.GridHeight, shape.GridWidth) <= PositionsOfStrips.Columns
                && shape.HeadWidth <= Family.OfStrips[^1].Width ? Family.OfStrips
            : shape.GridWidth == PositionsOfKeyRows.Columns && shape.HeadWidth <= Family.OfKeyRows[^1].Width
                ? Family.OfKeyRows
            : shape.GridHeight + shape.GridWidth <= PositionsByKey.MostPlaces ? Family.ByKey
            : [];
        return kernels.FirstOrDefault(
            flash => flash.Width >= shape.HeadWidth && flash.Kernel.SharedBytes <= gpu.SharedBytesPerBlock);
    }

    void Pack(AttentionShape shape, DType type, int rowBytes, PackedOperand q, PackedOperand k, PackedOperand v)
    {
        const int ChunkBytes = 16;
        Kernel<AttentionPackArguments> kernel = type == DType.BFloat16 ? AttentionPack.OfBFloat16 : Family.Pack;
        int images = shape.Batch * shape.Heads, chunks = rowBytes / ChunkBytes;
        long threads = (long)Math.Max(q.Tokens, k.Tokens) * chunks;
        int across = (int)Math.Min((threads + gpu.BlockSize(kernel) - 1) / gpu.BlockSize(kernel), gpu.FullGrid);
        int down = Math.Clamp(gpu.FullGrid / across, 1, Math.Min(images, LargestGridZ));
        bool isPacked = TokenRows.HavePackets(shape, type, q.From, k.From, v.From);
        gpu.Launch(
            kernel,
            new AttentionPackArguments
            {
                First = q,
                Second = k,
                Third = v,
                Images = images,
                HeadWidth = shape.HeadWidth,
                RowBytes = rowBytes,
                Packed = isPacked ? 1 : 0,
                Heads = new Divisor(shape.Heads),
                Chunks = new Divisor(chunks),
                Windows = new WindowGrid(shape),
            },
            across, 3, down);
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
