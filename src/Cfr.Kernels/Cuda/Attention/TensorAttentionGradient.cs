using Held32 = Cfr.Kernels.Cuda.FactorStrip<Cfr.Kernels.Cuda.HeldStrip16, Cfr.Kernels.Cuda.HeldStrip16>;
using Shared32 = Cfr.Kernels.Cuda.FactorStrip<Cfr.Kernels.Cuda.SharedStrip16, Cfr.Kernels.Cuda.SharedStrip16>;

namespace Cfr.Kernels.Cuda;

/// <summary>Both kernels for a precision and a width of heads.</summary>
sealed record AttentionGradientKernels(
    int Width, Kernel<AttentionGradientArguments> Keys, Kernel<AttentionGradientArguments> Queries);

/// <summary>
/// Attention backward on tensor cores (FlashAttention-2, Dao 2023), with the same bits every time: <see
/// cref="KeyGradient"/> and <see cref="QueryGradient"/> each own what they sum up, at the price of computing the logits
/// and dp twice: 14 HeadWidth FLOP a pair, where one kernel that adds to dq atomically has 10.
/// </summary>
static class TensorAttentionGradient
{
    public static readonly AttentionGradientKernels[] BFloat16 =
    [
        Of<BFloat16Tile, Held32, SumStrip32>("bfloat16"),
        Of<BFloat16Tile, FactorStrip<Held32, Held32>, SumStrip<SumStrip32, SumStrip32>>("bfloat16"),
        Of<BFloat16Tile, FactorStrip<FactorStrip<Held32, Held32>, HeldStrip16>,
            SumStrip<SumStrip<SumStrip32, SumStrip32>, SumStrip16>>("bfloat16"),
        Of<BFloat16Tile, FactorStrip<FactorStrip<Shared32, Shared32>, FactorStrip<Shared32, Shared32>>,
            SumStrip<SumStrip<SumStrip32, SumStrip32>, SumStrip<SumStrip32, SumStrip32>>>("bfloat16"),
    ];

    public static readonly AttentionGradientKernels[] Tf32 =
    [
        Of<Tf32Tile, Held32, SumStrip32>("tf32"),
        Of<Tf32Tile, FactorStrip<Shared32, Shared32>, SumStrip<SumStrip32, SumStrip32>>("tf32"),
        Of<Tf32Tile, FactorStrip<FactorStrip<Shared32, Shared32>, SharedStrip16>,
            SumStrip<SumStrip<SumStrip32, SumStrip32>, SumStrip16>>("tf32"),
        Of<Tf32Tile, FactorStrip<FactorStrip<Shared32, Shared32>, FactorStrip<Shared32, Shared32>>,
            SumStrip<SumStrip<SumStrip32, SumStrip32>, SumStrip<SumStrip32, SumStrip32>>>("tf32"),
    ];

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All =
        [.. BFloat16.Concat(Tf32).SelectMany(kernels => new Kernel[] { kernels.Keys, kernels.Queries })];

    /// <summary>The widest heads that there are kernels for.</summary>
    public static int LargestWidth => BFloat16[^1].Width;

    public static void Backward(
        GpuDevice gpu, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y,
        View logSumExp, Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        AttentionGradientKernels kernels = (gpu.Precision == Precision.BFloat16 ? BFloat16 : Tf32)
            .First(one => one.Width >= shape.HeadWidth);
        long queries = (long)shape.Batch * shape.Heads * shape.Queries;
        DeviceBuffer packedQ = HeadPack.Copy(gpu, shape, q, shape.Queries, kernels.Width);
        DeviceBuffer packedK = HeadPack.Copy(gpu, shape, k, shape.Keys, kernels.Width);
        DeviceBuffer packedV = HeadPack.Copy(gpu, shape, v, shape.Keys, kernels.Width);
        DeviceBuffer packedDy = HeadPack.Copy(gpu, shape, dy, shape.Queries, kernels.Width);
        DeviceBuffer rowTerms = AttentionRowTerms.Compute(gpu, shape, y, dy, logSumExp);
        (DeviceBuffer? rh, DeviceBuffer? rw) = RelativeLogits.Compute(gpu, shape, q, positions);
        DeviceBuffer? dRh = rh is null ? null : gpu.Allocate(DType.Float32, queries * shape.GridHeight);
        DeviceBuffer? dRw = rw is null ? null : gpu.Allocate(DType.Float32, queries * shape.GridWidth);
        var grid = new KeyGrid(shape, hasPositions: rh is not null);
        int tile = HeadTile.Rows(gpu.Precision == Precision.BFloat16 ? sizeof(ushort) : sizeof(float));
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
            Dk = new TokenRows(dk),
            Dv = new TokenRows(dv),
            Grid = grid,
            Heads = new Divisor(shape.Heads),
            Queries = shape.Queries,
            PaddedQueries = AttentionRowTerms.Padded(shape.Queries),
            HeadWidth = shape.HeadWidth,
            Scale = shape.Scale,
        };
        Launch(
            gpu, kernels.Keys,
            arguments with { TilesOfSegment = new Divisor(grid.TilesOfSegment(HeadTile.OwnRows)) },
            grid.Segments * grid.TilesOfSegment(HeadTile.OwnRows), shape.Batch * shape.Heads);
        Launch(
            gpu, kernels.Queries,
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

    /// <summary>Launches for all heads, as many at once as a grid may have.</summary>
    static void Launch(
        GpuDevice gpu, Kernel<AttentionGradientArguments> kernel, AttentionGradientArguments arguments, int blocks,
        int heads)
    {
        const int LargestGridZ = 65535;
        for (; arguments.FirstHead < heads; arguments.FirstHead += LargestGridZ)
            gpu.Launch(kernel, arguments, blocks, 1, Math.Min(LargestGridZ, heads - arguments.FirstHead));
    }

    static AttentionGradientKernels Of<TElement, TOwn, TSums>(string precision)
        where TElement : struct, ITileElement where TOwn : unmanaged, IFactorStrip<TOwn>
        where TSums : unmanaged, ISumStrip<TSums>
    {
        int width = TSums.Blocks * HeadTile.Strip, resident = width <= 64 ? 3 : 1;
        return new AttentionGradientKernels(
            width,
            new($"attention_key_gradient_{precision}_{width}", KeyGradient.Run<TElement, TOwn, TSums>)
            {
                Threads = HeadTile.Threads,
                AnyBlock = false,
                BlocksPerMultiprocessor = resident,
                SharedBytes = KeyGradient.SharedBytes(TSums.Blocks, TElement.ElementBytes, TOwn.AreHeld),
                TensorCores = true,
            },
            new($"attention_query_gradient_{precision}_{width}", QueryGradient.Run<TElement, TOwn, TSums>)
            {
                Threads = HeadTile.Threads,
                AnyBlock = false,
                BlocksPerMultiprocessor = resident,
                SharedBytes = QueryGradient.SharedBytes(TSums.Blocks, TElement.ElementBytes, TOwn.AreHeld),
                TensorCores = true,
            });
    }
}
