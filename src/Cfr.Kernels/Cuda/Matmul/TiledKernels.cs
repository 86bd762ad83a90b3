namespace Cfr.Kernels.Cuda;

/// <summary>
/// The kernels of one tile, by the layouts of A and B. Letters are BLAS's for row-major operands: n as it stands, t
/// transposed. A tile whose rows are no power of two has none for a transposed A.
/// </summary>
sealed record TileKernels(
    int Rows, int Columns, DType Type, Kernel<MatmulArguments> Nn, Kernel<MatmulArguments> Nt,
    Kernel<MatmulArguments>? Tn, Kernel<MatmulArguments>? Tt)
{
    /// <summary>The kernel for an A and a B of which steps, or else lines, are neighbours.</summary>
    public Kernel<MatmulArguments> For(bool kMajorA, bool kMajorB) => (kMajorA, kMajorB) switch
    {
        (true, false) => Nn,
        (true, true) => Nt,
        (false, false) => Tn!,
        (false, true) => Tt!,
    };

    /// <summary>Whether there is one.</summary>
    public bool Takes(bool kMajorA) => kMajorA || Tn is not null;

    /// <summary>Tiles of an M x N matrix.</summary>
    public long Count(int m, int n) => ((long)m + Rows - 1) / Rows * (((long)n + Columns - 1) / Columns);

    public IEnumerable<Kernel<MatmulArguments>> All => Tn is null ? [Nn, Nt] : [Nn, Nt, Tn, Tt!];
}

/// <summary>The tiles that there are: rung 3 in float32, rung 4 in TF32 and bfloat16, rung 5 in bfloat16.</summary>
static class TiledKernels
{
    public static readonly TileKernels Float32Large = Registers<Side128>("matmul_float32_128x128");
    public static readonly TileKernels Float32Small = Registers<Side64>("matmul_float32_64x64");

    public static readonly TileKernels Tf32Large =
        Tensor<Tf32Mma, WarpTile64, Fragments64, Warps2x2, LineMajor32>("matmul_tf32_128x128");
    public static readonly TileKernels Tf32Small =
        Tensor<Tf32Mma, WarpTile32, Fragments32, Warps2x2, LineMajor32>("matmul_tf32_64x64");

    public static readonly TileKernels BFloat16Wide =
        Tensor<BFloat16Mma, WarpTile64, Fragments64, Warps2x4, LineMajor16>("matmul_bfloat16_128x256");
    public static readonly TileKernels BFloat16Tall =
        Tall<BFloat16Mma, WarpTile48x64, Fragments48x64, Warps4x2, LineMajor16>("matmul_bfloat16_192x128");
    public static readonly TileKernels BFloat16Warpgroups192 = Warpgroups<Columns192>("matmul_warpgroups_128x192");
    public static readonly TileKernels BFloat16Warpgroups128 = Warpgroups<Columns128>("matmul_warpgroups_128x128");
    public static readonly TileKernels BFloat16Large =
        Tensor<BFloat16Mma, WarpTile64, Fragments64, Warps2x2, LineMajor16>("matmul_bfloat16_128x128");
    public static readonly TileKernels BFloat16Small =
        Tensor<BFloat16Mma, WarpTile32, Fragments32, Warps2x2, LineMajor16>("matmul_bfloat16_64x64");

    /// <summary>By precision, largest first.</summary>
    public static readonly TileKernels[] Float32 = [Float32Large, Float32Small], Tf32 = [Tf32Large, Tf32Small],
        BFloat16 = [BFloat16Wide, BFloat16Tall, BFloat16Large, BFloat16Small],
        BFloat16OfHopper = [BFloat16Warpgroups192, BFloat16Warpgroups128, BFloat16Small];

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All =
    [
        .. Float32.Concat(Tf32).Concat(BFloat16).Concat(BFloat16OfHopper[..^1]).SelectMany(tile => tile.All),
    ];

    /// <summary>The kernels of a tile on tensor cores.</summary>
    public static TileKernels Tensor<TMma, TWarp, TFragments, TWarps, TLines>(string name)
        where TMma : struct, IMma where TWarp : unmanaged, IWarpTile<TWarp, TFragments> where TFragments : unmanaged
        where TWarps : struct, IWarps
        where TLines : struct, IFragmentLayout =>
        Tall<TMma, TWarp, TFragments, TWarps, TLines>(name) with
        {
            Tn = Tensor<TMma, TWarp, TFragments, TWarps, TLines, TLines>($"{name}_tn"),
            Tt = Tensor<TMma, TWarp, TFragments, TWarps, TLines, KMajor>($"{name}_tt"),
        };

    /// <summary>Those of a tile whose rows need be no power of two.</summary>
    public static TileKernels Tall<TMma, TWarp, TFragments, TWarps, TLines>(string name)
        where TMma : struct, IMma where TWarp : unmanaged, IWarpTile<TWarp, TFragments> where TFragments : unmanaged
        where TWarps : struct, IWarps
        where TLines : struct, IFragmentLayout => new(
            TWarp.Rows * TWarps.Down, TWarp.Columns * TWarps.Across,
            TMma.ElementBytes == 2 ? DType.BFloat16 : DType.Float32,
            Tensor<TMma, TWarp, TFragments, TWarps, KMajor, TLines>($"{name}_nn"),
            Tensor<TMma, TWarp, TFragments, TWarps, KMajor, KMajor>($"{name}_nt"), null, null);

    /// <summary>The kernels of a tile that warp groups make.</summary>
    static TileKernels Warpgroups<TColumns>(string name) where TColumns : struct, IWarpgroupColumns
    {
        return new TileKernels(
            WarpgroupProduct<TColumns, KMajor, KMajor>.Rows, TColumns.Count, DType.BFloat16,
            Warpgroups<TColumns, KMajor, LineMajorBlocks>($"{name}_nn"),
            Warpgroups<TColumns, KMajor, KMajor>($"{name}_nt"),
            Warpgroups<TColumns, LineMajorBlocks, LineMajorBlocks>($"{name}_tn"),
            Warpgroups<TColumns, LineMajorBlocks, KMajor>($"{name}_tt"));
    }

    static Kernel<MatmulArguments> Warpgroups<TColumns, TA, TB>(string name)
        where TColumns : struct, IWarpgroupColumns where TA : struct, IWarpgroupLayout where TB : struct, IWarpgroupLayout =>
        new(name, TiledMatmul.Run<WarpgroupProduct<TColumns, TA, TB>, TA, TB>)
        {
            Threads = WarpgroupProduct<TColumns, TA, TB>.Threads,
            AnyBlock = false,
            BlocksPerMultiprocessor = 2,
            SharedBytes = WarpgroupProduct<TColumns, TA, TB>.SharedBytes,
            TensorCores = true,
            WarpgroupSums = TColumns.Count / 2,
        };

    /// <summary>The kernels of a tile in registers.</summary>
    public static TileKernels Registers<TSide>(string name) where TSide : struct, ISide => new(
        TSide.Lines, TSide.Lines, DType.Float32, Registers<TSide, KMajor, LineMajor32>($"{name}_nn"),
        Registers<TSide, KMajor, KMajor>($"{name}_nt"), Registers<TSide, LineMajor32, LineMajor32>($"{name}_tn"),
        Registers<TSide, LineMajor32, KMajor>($"{name}_tt"));

    static Kernel<MatmulArguments> Tensor<TMma, TWarp, TFragments, TWarps, TA, TB>(string name)
        where TMma : struct, IMma where TWarp : unmanaged, IWarpTile<TWarp, TFragments> where TFragments : unmanaged
        where TWarps : struct, IWarps
        where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout =>
        Of<TensorTile<TMma, TWarp, TFragments, TWarps, TA, TB>, TWarp, TFragments, TA, TB>(name, tensorCores: true);

    static Kernel<MatmulArguments> Registers<TSide, TA, TB>(string name)
        where TSide : struct, ISide where TA : struct, IRegisterLayout where TB : struct, IRegisterLayout =>
        Of<RegisterTile<TSide, TA, TB>, Sums8x8, LinesOfBoth, TA, TB>(name, tensorCores: false);

    static Kernel<MatmulArguments> Of<TTile, TSums, TOperands, TA, TB>(string name, bool tensorCores)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TA : struct, IOperandLayout where TB : struct, IOperandLayout =>
        new(name, TiledMatmul.Run<TileProduct<TTile, TSums, TOperands>, TA, TB>)
        {
            Threads = TTile.Threads,
            AnyBlock = false,
            BlocksPerMultiprocessor = 1,
            SharedBytes = Tile.SharedBytes(TTile.Rows, TTile.Columns),
            TensorCores = tensorCores,
        };
}
