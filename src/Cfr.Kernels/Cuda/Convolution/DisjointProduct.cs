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

    /// <summary>The grid's z are pieces of the sum, of this many steps each.</summary>
    public int PieceSteps;
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
/// loads; five on a multiprocessor work meanwhile.
/// </summary>
static class DisjointProduct
{
    const int Packet = DisjointPatches.Packet;

    /// <summary>A tile's sums are over columns, which are cut into pieces where there are few patches.</summary>
    public static void Forward<TTile, TSums, TOperands>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
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
        TiledMatmul.Multiply<TTile, TSums, TOperands, PatchLines, LayoutCopy<LineMajor32>>(
            shared, patches, new LayoutCopy<LineMajor32> { Copy = weights }, end - step);
        Store<TTile, TSums, TOperands, MatrixRows>(
            shared, a, Piece(a.Outputs, a.PatchCount, a.OutChannels), row, a.PatchCount, column, a.OutChannels);
    }

    /// <summary>Sums are over output channels. Rows of a tile are stored run by run.</summary>
    public static void InputGradient<TTile, TSums, TOperands>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
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
        TiledMatmul.Multiply<TTile, TSums, TOperands, LayoutCopy<KMajor>, LayoutCopy<KMajor>>(
            shared, new LayoutCopy<KMajor> { Copy = dy }, new LayoutCopy<KMajor> { Copy = weights }, a.OutChannels);
        Store<TTile, TSums, TOperands, PatchRows>(shared, a, a.Volume, row, a.PatchCount, column, a.Columns);
    }

    /// <summary>Sums are over patches, in as many pieces as there should be blocks.</summary>
    public static void WeightGradient<TTile, TSums, TOperands>(DisjointArguments a)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
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
        TiledMatmul.Multiply<TTile, TSums, TOperands, PatchSteps, LayoutCopy<LineMajor32>>(
            shared, patches, new LayoutCopy<LineMajor32> { Copy = dy }, end - step);
        Store<TTile, TSums, TOperands, MatrixRows, NoActivation>(
            shared, a, Piece(a.Weights, a.Columns, a.OutChannels), row, a.Columns, column, a.OutChannels);
    }

    /// <summary>Where this piece's matrix begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Piece(long matrices, int rows, int columns) =>
        matrices + Grid.IdxZ * ((long)rows * columns * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TTile, TSums, TOperands, TRows>(
        SharedBytes shared, DisjointArguments a, long target, int row, int rowCount, int column, int columnCount)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TRows : struct, IRowPlaces
    {
        if (a.Activation == (int)Activation.Relu)
            Store<TTile, TSums, TOperands, TRows, Relu>(shared, a, target, row, rowCount, column, columnCount);
        else if (a.Activation == (int)Activation.Gelu)
            Store<TTile, TSums, TOperands, TRows, Gelu>(shared, a, target, row, rowCount, column, columnCount);
        else
            Store<TTile, TSums, TOperands, TRows, NoActivation>(shared, a, target, row, rowCount, column, columnCount);
    }

    /// <summary>Neighbouring threads take neighbouring packets of a tile's row; a thread stays in its column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TTile, TSums, TOperands, TRows, TActivation>(
        SharedBytes shared, DisjointArguments a, long target, int row, int rowCount, int column, int columnCount)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TRows : struct, IRowPlaces where TActivation : struct, IActivation
    {
        int packets = TTile.Columns / Packet, packet = Group.IdxX & packets - 1;
        int between = TTile.Threads >> Tile.Log2(packets), end = Ptx.Min(TTile.Rows, rowCount - row);
        column += packet * Packet;
        if (column >= columnCount) return;
        FourLanes bias = Bias(a, column);
        target = Ptx.MultiplyAddWide(TRows.Column(a, column / Packet), 16, target);
        for (int i = Group.IdxX >> Tile.Log2(packets); i < end; i += between)
        {
            uint at = Swizzle.Sums(i, packet * Packet, TTile.Columns * sizeof(float));
            FourLanes sum = new FourLanes(shared.Load4(at)) + bias;
            TActivation.Apply(sum).StoreTo(Ptx.MultiplyAddWide(TRows.Row(a, row + i), 16, target));
        }
    }

    /// <summary>The bias of four columns, which may belong to several voxels of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Bias(DisjointArguments a, int column)
    {
        int channels = a.BiasChannels.Value, c0 = column - column / a.BiasChannels * channels;
        int c1 = c0 + 1 < channels ? c0 + 1 : 0, c2 = c1 + 1 < channels ? c1 + 1 : 0;
        int c3 = c2 + 1 < channels ? c2 + 1 : 0;
        return new FourLanes(Bias1(a.Bias, c0), Bias1(a.Bias, c1), Bias1(a.Bias, c2), Bias1(a.Bias, c3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Lane Bias1(long bias, int channel) =>
        new(Ptx.LoadOrZero(Ptx.MultiplyAddWide(channel, sizeof(float), bias), bias != 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Parts(int whole, int part) => (whole + part - 1) / part;

    /// <summary>Where a result's rows and columns lie, in packets.</summary>
    interface IRowPlaces
    {
        static abstract int Row(DisjointArguments a, int row);

        static abstract int Column(DisjointArguments a, int packet);
    }

    /// <summary>A matrix with a column for each output channel.</summary>
    readonly struct MatrixRows : IRowPlaces
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Row(DisjointArguments a, int row) => row * (a.OutChannels / Packet);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Column(DisjointArguments a, int packet) => packet;
    }

    /// <summary>Patches of the volume.</summary>
    readonly struct PatchRows : IRowPlaces
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Row(DisjointArguments a, int row) => DisjointPatches.Row(a.Patches, row);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Column(DisjointArguments a, int packet) => DisjointPatches.Column(a.Patches, packet);
    }
}
