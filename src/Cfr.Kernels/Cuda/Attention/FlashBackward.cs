namespace Cfr.Kernels.Cuda;

/// <summary>
/// Attention backward (FlashAttention-2, Dao 2023), with the same bits every time: <see cref="KeyGradient"/> and <see
/// cref="QueryGradient"/> each own what they sum up, at the price of computing the logits and dp twice: 14 HeadWidth
/// FLOP a pair, where one kernel that adds to dq atomically has 10. On tensor cores or in float32 the two kernels are
/// the same text; only the strips differ that they are put together of.
/// </summary>
sealed class FlashBackward(GpuDevice gpu)
{
    /// <summary>The highest rung of the precision that takes this shape.</summary>
    public AttentionRung Highest(AttentionShape shape) =>
        (long)shape.Batch * shape.Heads * shape.Queries * shape.Keys == 0 ? AttentionRung.Naive
        : gpu.Precision != Precision.Float32 && Kernels(AttentionRung.TensorCores, shape) is not null
            ? AttentionRung.TensorCores
        : Kernels(AttentionRung.SharedMemory, shape) is not null ? AttentionRung.SharedMemory
        : AttentionRung.Naive;

    /// <summary>The gradients on rung 2 or 3.</summary>
    public void Run(
        AttentionRung rung, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y,
        View logSumExp, Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        GradientFamily family = Family(rung);
        GradientKernel kernels = Kernels(rung, shape)
            ?? throw new ArgumentException($"no kernels of rung {rung} take {shape}");
        int rowBytes = kernels.Width * family.ElementBytes;
        long queries = (long)shape.Batch * shape.Heads * shape.Queries;
        DeviceBuffer packedQ = HeadPack.Copy(gpu, shape, family.Pack, q, shape.Queries, rowBytes);
        DeviceBuffer packedK = HeadPack.Copy(gpu, shape, family.Pack, k, shape.Keys, rowBytes);
        DeviceBuffer packedV = HeadPack.Copy(gpu, shape, family.Pack, v, shape.Keys, rowBytes);
        DeviceBuffer packedDy = HeadPack.Copy(gpu, shape, family.Pack, dy, shape.Queries, rowBytes);
        DeviceBuffer rowTerms = AttentionRowTerms.Compute(gpu, shape, y, dy, logSumExp);
        var (rh, rw) = family == GradientKernels.BFloat16
            ? PackedRelativeLogits.Compute(
                gpu, shape, packedQ.Address, kernels.Width, factor: 1, inOrder: true, positions)
            : RelativeLogits.Compute(gpu, shape, q, positions);
        DeviceBuffer? dRh = rh is null ? null : gpu.Allocate(DType.Float32, queries * shape.GridHeight);
        DeviceBuffer? dRw = rw is null ? null : gpu.Allocate(DType.Float32, queries * shape.GridWidth);
        var grid = new KeyGrid(shape, hasPositions: rh is not null);
        int tile = HeadTile.Rows(family.ElementBytes);
        var arguments = new AttentionGradientArguments
        {
            Q = packedQ.Address,
            K = packedK.Address,
            V = packedV.Address,
            Dy = packedDy.Address,
            RowTerms = rowTerms.Address,
            Rh = rh?.Address ?? 0,
            Rw = rw?.Address ?? 0,
            DRh = dRh?.Address ?? 0,
            DRw = dRw?.Address ?? 0,
            Dq = new TokenRows(dq),
            Dk = TokenRows.OfGradient(shape, dk),
            Dv = TokenRows.OfGradient(shape, dv),
            Grid = grid,
            Heads = new Divisor(shape.Heads),
            Windows = new WindowGrid(shape),
            Queries = shape.Queries,
            PaddedQueries = AttentionRowTerms.Padded(shape.Queries),
            HeadWidth = shape.HeadWidth,
            Scale = shape.Scale,
        };
        Launch(
            kernels.Keys,
            arguments with { TilesOfSegment = new Divisor(grid.TilesOfSegment(HeadTile.OwnRows)) },
            grid.Segments * grid.TilesOfSegment(HeadTile.OwnRows), shape.Batch * shape.Heads);
        Launch(
            kernels.Queries,
            arguments with
            {
                TilesOfSegment = new Divisor(grid.TilesOfSegment(tile)),
                KeyTiles = grid.Segments * grid.TilesOfSegment(tile),
            },
            arguments.PaddedQueries / HeadTile.OwnRows, shape.Batch * shape.Heads);
        if (dRh is not null && dRw is not null)
        {
            PositionGradients.Add(
                gpu, shape, q, positions, new View(dRh.Address, queries * shape.GridHeight, DType.Float32),
                new View(dRw.Address, queries * shape.GridWidth, DType.Float32), dq, dPositions);
        }
        foreach (DeviceBuffer? buffer in new[] { packedQ, packedK, packedV, packedDy, rowTerms, rh, rw, dRh, dRw })
            buffer?.Release();
    }

    /// <summary>The narrowest kernels for this shape that fit into a block's shared memory; null where there are none.</summary>
    GradientKernel? Kernels(AttentionRung rung, AttentionShape shape) => Family(rung).Kernels.FirstOrDefault(
        one => one.Width >= shape.HeadWidth
            && Math.Max(one.Keys.SharedBytes, one.Queries.SharedBytes) <= gpu.SharedBytesPerBlock);

    GradientFamily Family(AttentionRung rung) =>
        rung == AttentionRung.SharedMemory ? GradientKernels.Float32
        : gpu.Precision == Precision.BFloat16 ? GradientKernels.BFloat16
        : GradientKernels.Tf32;

    /// <summary>Launches for all heads, as many at once as a grid may have.</summary>
    void Launch(
        Kernel<AttentionGradientArguments> kernel, AttentionGradientArguments arguments, int blocks, int heads)
    {
        const int LargestGridZ = 65535;
        for (; arguments.FirstHead < heads; arguments.FirstHead += LargestGridZ)
            gpu.Launch(kernel, arguments, blocks, 1, Math.Min(LargestGridZ, heads - arguments.FirstHead));
    }
}
