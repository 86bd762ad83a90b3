namespace Cfr.Kernels.Cuda;

/// <summary>The kernels of <see cref="DisjointProduct"/> with one tile.</summary>
/// <param name="Rows">Rows of the tile.</param>
/// <param name="Columns">Columns of the tile.</param>
/// <param name="Forward">The forward pass.</param>
/// <param name="InputGradient">The gradient of x.</param>
/// <param name="WeightGradient">The gradient of the weights.</param>
/// <param name="Norms">
/// The same with norms; none for a tile with which a norm's pass costs little beside the product.
/// </param>
sealed record DisjointTile(
    int Rows, int Columns, Kernel<DisjointArguments> Forward, Kernel<DisjointArguments> InputGradient,
    Kernel<DisjointArguments> WeightGradient, DisjointNorms? Norms)
{
    /// <summary>Tiles of an M x N matrix.</summary>
    public long Count(int m, int n) => ((long)m + Rows - 1) / Rows * (((long)n + Columns - 1) / Columns);

    public IEnumerable<Kernel<DisjointArguments>> All => [Forward, InputGradient, WeightGradient, .. Norms?.All ?? []];
}

/// <summary>
/// A norm in the load of x, or of dy, and statistics in the store of outputs, or of inputs; weight gradients with one in
/// the load of either.
/// </summary>
sealed record DisjointNorms(
    Kernel<DisjointArguments> Forward, Kernel<DisjointArguments> InputGradient, Kernel<DisjointArguments> OfX,
    Kernel<DisjointArguments> OfDy)
{
    public IEnumerable<Kernel<DisjointArguments>> All => [Forward, InputGradient, OfX, OfDy];
}

/// <summary>The tiles of a precision.</summary>
/// <param name="Narrow">For results of few columns.</param>
/// <param name="Small">For all others that memory bounds.</param>
/// <param name="Large">Where sums are long and tiles many: it reads half as much from L2.</param>
sealed record DisjointTiles(DisjointTile Narrow, DisjointTile Small, DisjointTile Large)
{
    /// <summary>Steps from which on L2 rather than memory would bound the small tile.</summary>
    const int ManySteps = 128;

    public IEnumerable<DisjointTile> All => new[] { Narrow, Small, Large }.Distinct();

    /// <summary>The tile for an M x N matrix of sums over K.</summary>
    public DisjointTile For(int m, int n, int k, int wantedBlocks) =>
        n <= Narrow.Columns ? Narrow
        : n >= Large.Columns && k >= ManySteps && Large.Count(m, n) >= wantedBlocks ? Large
        : Small;
}

/// <summary>The tiles that there are: in registers for float32, on tensor cores for the other precisions.</summary>
static class DisjointKernels
{
    public static readonly DisjointTiles Float32 = InRegisters();

    public static readonly DisjointTiles Tf32 = Tensor<Tf32Mma>("tf32");
    public static readonly DisjointTiles BFloat16 = Tensor<BFloat16OfFloatsMma>("bfloat16");

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All =
    [
        .. Float32.All.Concat(Tf32.All).Concat(BFloat16.All).SelectMany(tile => tile.All),
    ];

    /// <summary>A tile on tensor cores.</summary>
    public static DisjointTile Tensor<TMma, TWarp, TFragments, TWarps>(string name, int blocks, bool norms = true)
        where TMma : struct, IMma where TWarp : unmanaged, IWarpTile<TWarp, TFragments> where TFragments : unmanaged
        where TWarps : struct, IWarps =>
        Of<TensorTile<TMma, TWarp, TFragments, TWarps, KMajor, LineMajor32>,
            TensorTile<TMma, TWarp, TFragments, TWarps, KMajor, KMajor>,
            TensorTile<TMma, TWarp, TFragments, TWarps, LineMajor32, LineMajor32>, TWarp, TFragments>(
            name, blocks, norms, tensorCores: true);

    /// <summary>A tile in registers.</summary>
    public static DisjointTile Registers<TSide>(string name, bool norms = true) where TSide : struct, ISide =>
        Of<RegisterTile<TSide, KMajor, LineMajor32>, RegisterTile<TSide, KMajor, KMajor>,
            RegisterTile<TSide, LineMajor32, LineMajor32>, Sums8x8, LinesOfBoth>(
            name, blocks: 1, norms, tensorCores: false);

    /// <summary>The tiles of a precision.</summary>
    public static DisjointTiles For(Precision precision) => precision switch
    {
        Precision.Float32 => Float32,
        Precision.TF32 => Tf32,
        _ => BFloat16,
    };

    static DisjointTiles Tensor<TMma>(string type) where TMma : struct, IMma => new(
        Tensor<TMma, WarpTile32, Fragments32, Warps4x1>($"convolution_disjoint_{type}_128x32", blocks: 5),
        Tensor<TMma, WarpTile32, Fragments32, Warps2x2>($"convolution_disjoint_{type}_64x64", blocks: 5),
        Tensor<TMma, WarpTile64, Fragments64, Warps2x2>(
            $"convolution_disjoint_{type}_128x128", blocks: 1, norms: false));

    static DisjointTiles InRegisters()
    {
        DisjointTile small = Registers<Side64>("convolution_disjoint_float32_64x64");
        return new DisjointTiles(
            small, small, Registers<Side128>("convolution_disjoint_float32_128x128", norms: false));
    }

    static DisjointTile Of<TForward, TInput, TWeights, TSums, TOperands>(
        string name, int blocks, bool norms, bool tensorCores)
        where TForward : struct, ITile<TSums, TOperands> where TInput : struct, ITile<TSums, TOperands>
        where TWeights : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
    {
        // Constants and moments take registers, of which five blocks leave too few.
        int normBlocks = Math.Min(blocks, 4);
        return new DisjointTile(
            TForward.Rows, TForward.Columns,
            Kernel("", DisjointProduct.Forward<TForward, TSums, TOperands, AsItStands, ActivatedStore>, blocks),
            Kernel(
                "_input_gradient",
                DisjointProduct.InputGradient<TInput, TSums, TOperands, AsItStands, ActivatedStore>, blocks),
            Kernel(
                "_weight_gradient",
                DisjointProduct.WeightGradient<TWeights, TSums, TOperands, AsItStands, AsItStands>, blocks),
            !norms ? null : new DisjointNorms(
                Kernel(
                    "_norm",
                    DisjointProduct.Forward<TForward, TSums, TOperands, NormalizedForm, MeasuredStore>, normBlocks),
                Kernel(
                    "_input_gradient_norm",
                    DisjointProduct.InputGradient<TInput, TSums, TOperands, NormalizedForm, MeasuredStore>, normBlocks),
                Kernel(
                    "_weight_gradient_norm_x",
                    DisjointProduct.WeightGradient<TWeights, TSums, TOperands, NormalizedForm, AsItStands>, normBlocks),
                Kernel(
                    "_weight_gradient_norm_dy",
                    DisjointProduct.WeightGradient<TWeights, TSums, TOperands, AsItStands, NormalizedForm>,
                    normBlocks)));

        Kernel<DisjointArguments> Kernel(string pass, Action<DisjointArguments> body, int together) =>
            new(name + pass, body)
            {
                Threads = TForward.Threads,
                AnyBlock = false,
                BlocksPerMultiprocessor = together,
                SharedBytes = Tile.SharedBytes(TForward.Rows, TForward.Columns),
                TensorCores = tensorCores,
            };
    }
}
