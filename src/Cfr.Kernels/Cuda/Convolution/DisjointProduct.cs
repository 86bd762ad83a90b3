using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="DisjointProduct"/>.</summary>
struct DisjointArguments
{
    /// <summary>
    /// x or dx, y or dy, the weights, and a bias or 0. What is written in pieces lies piece after piece.
    /// </summary>
    public long Volume, Outputs, Weights, Bias;
    public DisjointPatches Patches;

    /// <summary>Patches, their columns, and output channels; columns and channels are multiples of 4.</summary>
    public int PatchCount, Columns, OutChannels;

    /// <summary>The bias is as long as this.</summary>
    public Divisor BiasChannels;

    /// <summary>The number of the <see cref="Kernels.Activation"/>.</summary>
    public int Activation;

    /// <summary>Whether dx is added to what is there.</summary>
    public int Accumulates;

    /// <summary>The grid's z are pieces of the sum, of this many steps each.</summary>
    public int PieceSteps;

    /// <summary>What the operand that is normalised on its way goes through.</summary>
    public ChannelPackets Norm;

    /// <summary>
    /// Where blocks leave statistics of what they store (<see cref="OutputMoments"/>), or 0; boxes of a channel, of
    /// which a row of tiles has one for each of this many taps.
    /// </summary>
    public long Moments;
    public int Boxes, Taps;
}

/// <summary>
/// Convolution with a kernel as large as its stride, without padding, as a product of matrices of which one lies in the
/// volume as <see cref="DisjointPatches"/> says:
/// <code>
///   y = act(patches w + bias)      dx's patches = act(dy w^T + bias)      dw = patches^T dy
/// </code>
/// The loop is that of <see cref="TiledMatmul"/>; only how a thread finds the places of its packets is another, so that
/// nothing is laid out in memory. FLOP 2 K M a patch of K inputs for M outputs, bytes 4 (K + M): K = 128, M = 32
/// (V-Net's first way down) are 8,192 FLOP for 640 bytes, 13 FLOP/B, where an H200 has 70 in TF32. Memory bounds it by
/// far, so float32 comes by <c>cp.async</c> and is rounded in registers, also for bfloat16. Blocks wait for their
/// loads; five on a multiprocessor, four with a norm, work meanwhile. An operand may be normalised where it arrives
/// (<see cref="NormalizedForm"/>), and the result measured where it leaves (<see cref="MeasuredStore"/>).
/// </summary>
static class DisjointProduct
{
    /// <summary>A tile's sums are over columns, which are cut into pieces where there are few patches.</summary>
    public static void Forward<TTile, TSums, TOperands, TForm, TStore>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TForm : unmanaged, IOperandForm<TForm> where TStore : struct, IDisjointStore
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, step = Grid.IdxZ * a.PieceSteps, end = Ptx.Min(step + a.PieceSteps, a.Columns);
        var tile = TileOrder.Of(
            Grid.IdxX, Parts(a.PatchCount, TTile.Rows), Parts(a.OutChannels, TTile.Columns));
        int row = tile.Row * TTile.Rows, column = tile.Column * TTile.Columns;
        var patches = PatchLines.Begin(
            a.Volume, a.Patches, row, a.PatchCount, step, end, thread, TTile.Rows, TTile.Threads);
        var weights = LineMajor32.Begin(
            a.Weights, a.OutChannels, column, a.OutChannels, step, end, thread, TTile.Columns, TTile.Threads,
            sizeof(float));
        TiledMatmul.Multiply<
            TTile, TSums, TOperands, FormedCopy<PatchLines, KMajor, TForm>, LayoutCopy<LineMajor32>>(
            shared,
            FormedCopy<PatchLines, KMajor, TForm>.Of(
                patches, patches.Matrix.Target, a.Norm, end - patches.Matrix.Steps),
            new LayoutCopy<LineMajor32> { Copy = weights }, end - step);
        TStore.Store<TTile, TSums, TOperands, MatrixRows>(
            shared, a, Piece(a.Outputs, a.PatchCount, a.OutChannels), row, a.PatchCount, column, a.OutChannels);
    }

    /// <summary>Sums are over output channels. Rows of a tile are stored run by run.</summary>
    public static void InputGradient<TTile, TSums, TOperands, TForm, TStore>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TForm : unmanaged, IOperandForm<TForm> where TStore : struct, IDisjointStore
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX;
        var tile = TileOrder.Of(Grid.IdxX, Parts(a.PatchCount, TTile.Rows), Parts(a.Columns, TTile.Columns));
        int row = tile.Row * TTile.Rows, column = tile.Column * TTile.Columns;
        var dy = KMajor.Begin(
            a.Outputs, a.OutChannels, row, a.PatchCount, 0, a.OutChannels, thread, TTile.Rows, TTile.Threads,
            sizeof(float));
        var weights = KMajor.Begin(
            a.Weights, a.OutChannels, column, a.Columns, 0, a.OutChannels, thread, TTile.Columns, TTile.Threads,
            sizeof(float));
        TiledMatmul.Multiply<
            TTile, TSums, TOperands, FormedCopy<LayoutCopy<KMajor>, KMajor, TForm>, LayoutCopy<KMajor>>(
            shared,
            FormedCopy<LayoutCopy<KMajor>, KMajor, TForm>.Of(
                new LayoutCopy<KMajor> { Copy = dy }, dy.Target, a.Norm, a.OutChannels - dy.Steps),
            new LayoutCopy<KMajor> { Copy = weights }, a.OutChannels);
        TStore.Store<TTile, TSums, TOperands, PatchRows>(shared, a, a.Volume, row, a.PatchCount, column, a.Columns);
    }

    /// <summary>Sums are over patches, in as many pieces as there should be blocks.</summary>
    public static void WeightGradient<TTile, TSums, TOperands, TX, TDy>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TX : unmanaged, IOperandForm<TX> where TDy : unmanaged, IOperandForm<TDy>
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, step = Grid.IdxZ * a.PieceSteps, end = Ptx.Min(step + a.PieceSteps, a.PatchCount);
        var tile = TileOrder.Of(Grid.IdxX, Parts(a.Columns, TTile.Rows), Parts(a.OutChannels, TTile.Columns));
        int row = tile.Row * TTile.Rows, column = tile.Column * TTile.Columns;
        var patches = PatchSteps.Begin(
            a.Volume, a.Patches, row, a.Columns, step, end, thread, TTile.Rows, TTile.Threads);
        var dy = LineMajor32.Begin(
            a.Outputs, a.OutChannels, column, a.OutChannels, step, end, thread, TTile.Columns, TTile.Threads,
            sizeof(float));
        TiledMatmul.Multiply<
            TTile, TSums, TOperands, FormedCopy<PatchSteps, LineMajor32, TX>,
            FormedCopy<LayoutCopy<LineMajor32>, LineMajor32, TDy>>(
            shared,
            FormedCopy<PatchSteps, LineMajor32, TX>.Of(
                patches, patches.Matrix.Target, a.Norm, a.Columns - patches.Matrix.Lines),
            FormedCopy<LayoutCopy<LineMajor32>, LineMajor32, TDy>.Of(
                new LayoutCopy<LineMajor32> { Copy = dy }, dy.Target, a.Norm, a.OutChannels - dy.Lines),
            end - step);
        ActivatedStore.Store<TTile, TSums, TOperands, MatrixRows, NoActivation>(
            shared, a, Piece(a.Weights, a.Columns, a.OutChannels), row, a.Columns, column, a.OutChannels);
    }

    /// <summary>Where this piece's matrix begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Piece(long matrices, int rows, int columns) =>
        matrices + Grid.IdxZ * ((long)rows * columns * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
