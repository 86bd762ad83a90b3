namespace Cfr.Kernels.Cuda;

/// <summary>A kernel of <see cref="FlashAttention"/>.</summary>
/// <param name="Width">Elements of a packed row: heads up to this width.</param>
/// <param name="Queries">Queries of a block.</param>
/// <param name="Kernel">Its code.</param>
sealed record FlashKernel(int Width, int Queries, Kernel<FlashArguments> Kernel);

/// <summary>The kernels of a precision, by their kind of positions; of each kind narrowest first.</summary>
sealed record FlashFamily(
    DType Type, Kernel<AttentionPackArguments> Pack, FlashKernel[] None, FlashKernel[] OfKeyRows,
    FlashKernel[] OfStrips, FlashKernel[] ByKey)
{
    public IEnumerable<Kernel> All =>
        None.Concat(OfKeyRows).Concat(OfStrips).Concat(ByKey).Select(flash => flash.Kernel);
}

/// <summary>
/// What there is of flash attention on tensor cores. A warp has 32 rows where the registers allow it, which halves what
/// it reads from shared memory, and 16 where heads are wide.
/// </summary>
static class FlashKernels
{
    public static readonly FlashFamily BFloat16 = new(
        DType.BFloat16, AttentionPack.BFloat16,
        [
            BFloat16Of<Rows32, Quads, NoPositions>.Width16, BFloat16Of<Rows32, Quads, NoPositions>.Width32,
            BFloat16Of<Rows32, Quads, NoPositions>.Width64, BFloat16Of<Rows16, Quad, NoPositions>.Width128,
        ],
        [
            BFloat16Of<Rows32, Quads, PositionsOfKeyRows>.Width64,
            BFloat16Of<Rows16, Quad, PositionsOfKeyRows>.Width80,
        ],
        [BFloat16Of<Rows32, Quads, PositionsOfStrips>.Width64, BFloat16Of<Rows16, Quad, PositionsOfStrips>.Width80],
        [
            BFloat16Of<Rows32, Quads, PositionsByKey>.Width64, BFloat16Of<Rows16, Quad, PositionsByKey>.Width80,
            BFloat16Of<Rows16, Quad, PositionsByKey>.Width128,
        ]);

    public static readonly FlashFamily Tf32 = new(
        DType.Float32, AttentionPack.Tf32,
        [
            Tf32Of<Rows32, Quads, NoPositions>.Width16, Tf32Of<Rows32, Quads, NoPositions>.Width32,
            Tf32Of<Rows16, Quad, NoPositions>.Width64, Tf32Of<Rows16, Quad, NoPositions>.Width128,
        ],
        [Tf32Of<Rows16, Quad, PositionsOfKeyRows>.Width64, Tf32Of<Rows16, Quad, PositionsOfKeyRows>.Width80],
        [Tf32Of<Rows16, Quad, PositionsOfStrips>.Width64, Tf32Of<Rows16, Quad, PositionsOfStrips>.Width80],
        [
            Tf32Of<Rows16, Quad, PositionsByKey>.Width64, Tf32Of<Rows16, Quad, PositionsByKey>.Width80,
            Tf32Of<Rows16, Quad, PositionsByKey>.Width128,
        ]);

    /// <summary>
    /// The same with warp groups for heads up to 64 on grids of 64 columns; of windows and the like, warps have less to do than
    /// groups would spill.
    /// </summary>
    public static readonly FlashFamily BFloat16OfHopper = BFloat16 with
    {
        OfKeyRows = [BFloat16Of<Rows16, Quad, PositionsOfKeyRows>.Warpgroups64, BFloat16.OfKeyRows[1]],
    };

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All = [.. BFloat16.All.Concat(Tf32.All).Union(BFloat16OfHopper.All)];

    /// <summary>bfloat16: a step of 32 bytes for every 16 columns.</summary>
    static class BFloat16Of<TSums, TFragment, TPositions>
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TPositions : struct, IFlashPositions
    {
        static readonly FlashWidths<BFloat16Factors, TSums, TFragment, TPositions> Of = new("bfloat16");

        public static FlashKernel Warpgroups64 =>
            Of.Warpgroups(Of.Twice(Of.Twice(Of.Step)), Of.Twice(Of.Twice(Of.Columns)));

        public static FlashKernel Width16 => Of.Kernel(Of.Step, Of.Columns);

        public static FlashKernel Width32 => Of.Kernel(Of.Twice(Of.Step), Of.Twice(Of.Columns));

        public static FlashKernel Width64 =>
            Of.Kernel(Of.Twice(Of.Twice(Of.Step)), Of.Twice(Of.Twice(Of.Columns)));

        public static FlashKernel Width80 => Of.Kernel(
            Of.Join(Of.Twice(Of.Twice(Of.Step)), Of.Step), Of.Join(Of.Twice(Of.Twice(Of.Columns)), Of.Columns));

        public static FlashKernel Width128 => Of.Kernel(
            Of.Twice(Of.Twice(Of.Twice(Of.Step))), Of.Twice(Of.Twice(Of.Twice(Of.Columns))));
    }

    /// <summary>TF32: two steps for every 16 columns.</summary>
    static class Tf32Of<TSums, TFragment, TPositions>
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TPositions : struct, IFlashPositions
    {
        static readonly FlashWidths<Tf32Factors, TSums, TFragment, TPositions> Of = new("tf32");

        public static FlashKernel Width16 => Of.Kernel(Of.Twice(Of.Step), Of.Columns);

        public static FlashKernel Width32 => Of.Kernel(Of.Twice(Of.Twice(Of.Step)), Of.Twice(Of.Columns));

        public static FlashKernel Width64 =>
            Of.Kernel(Of.Twice(Of.Twice(Of.Twice(Of.Step))), Of.Twice(Of.Twice(Of.Columns)));

        public static FlashKernel Width80 => Of.Kernel(
            Of.Twice(Of.Join(Of.Twice(Of.Twice(Of.Step)), Of.Step)),
            Of.Join(Of.Twice(Of.Twice(Of.Columns)), Of.Columns));

        public static FlashKernel Width128 => Of.Kernel(
            Of.Twice(Of.Twice(Of.Twice(Of.Twice(Of.Step)))), Of.Twice(Of.Twice(Of.Twice(Of.Columns))));
    }

    /// <summary>Puts widths together, those of columns as those of queries.</summary>
    sealed class FlashWidths<TFactors, TSums, TFragment, TPositions>(string precision) : QueryWidths<TSums, TFragment>
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TPositions : struct, IFlashPositions
    {
        public Columns16<TSums, TFragment> Columns => default;

        public JoinedColumns<TLeft, TRight, TSums, TFragment> Join<TLeft, TRight>(
            IHeadColumns<TLeft, TSums, TFragment> left, IHeadColumns<TRight, TSums, TFragment> right)
            where TLeft : unmanaged, IHeadColumns<TLeft, TSums, TFragment>
            where TRight : unmanaged, IHeadColumns<TRight, TSums, TFragment> => default;

        public JoinedColumns<T, T, TSums, TFragment> Twice<T>(IHeadColumns<T, TSums, TFragment> columns)
            where T : unmanaged, IHeadColumns<T, TSums, TFragment> => default;

        public FlashKernel Kernel<TQueries, TColumns>(
            IQuerySteps<TQueries, TSums, TFragment> queries, IHeadColumns<TColumns, TSums, TFragment> columns)
            where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
            where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment> =>
            Kernel<FlashWarps, TQueries, TColumns>($"attention_flash_{precision}", 0);

        public FlashKernel Warpgroups<TQueries, TColumns>(
            IQuerySteps<TQueries, TSums, TFragment> queries, IHeadColumns<TColumns, TSums, TFragment> columns)
            where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
            where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment> =>
            Kernel<FlashWarpgroups, TQueries, TColumns>(
                "attention_flash_warpgroups", FlashWarpgroups.Sets * FlashWarpgroups.Columns / 2);

        static FlashKernel Kernel<TProducts, TQueries, TColumns>(string name, int warpgroupSums)
            where TProducts : struct, IFlashProducts
            where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
            where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment>
        {
            int width = TColumns.Count * 16;
            return new FlashKernel(
                width, TProducts.Warps * TSums.Rows,
                new(
                    $"{name}_{width}{TPositions.Suffix}",
                    FlashAttention.Run<TProducts, TFactors, TSums, TFragment, TQueries, TColumns, TPositions>)
                {
                    Threads = TProducts.Warps * BlockReduce.WarpSize,
                    AnyBlock = false,
                    BlocksPerMultiprocessor = TProducts.Warps / 4,
                    SharedBytes =
                        FlashAttention.SharedBytes<TPositions>(TQueries.Steps * 32, TProducts.Warps, TSums.Rows),
                    TensorCores = true,
                    WarpgroupSums = warpgroupSums,
                });
        }
    }
}
