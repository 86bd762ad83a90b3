using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>How a tile of <see cref="DisjointProduct"/> leaves shared memory.</summary>
interface IDisjointStore
{
    /// <summary>Stores the tile that begins here, of a matrix of so many rows and columns, with the bias.</summary>
    static abstract void Store<TTile, TSums, TOperands, TRows>(
        SharedBytes shared, DisjointArguments a, long target, int row, int rowCount, int column, int columnCount)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TRows : struct, IRowPlaces;
}

/// <summary>Through an activation.</summary>
readonly struct ActivatedStore : IDisjointStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TTile, TSums, TOperands, TRows>(
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TTile, TSums, TOperands, TRows, TActivation>(
        SharedBytes shared, DisjointArguments a, long target, int row, int rowCount, int column, int columnCount)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TRows : struct, IRowPlaces where TActivation : struct, IActivation
    {
        var part = TilePart.Of(TTile.Columns, TTile.Threads, Ptx.Min(TTile.Rows, rowCount - row), column);
        if (part.Column >= columnCount) return;
        FourLanes bias = TilePart.Bias(a, part.Column);
        target = Ptx.MultiplyAddWide(TRows.Column(a, part.Column / FourLanes.Width), 16, target);
        for (int i = part.First; i < part.End; i += part.Between)
        {
            FourLanes y = TActivation.Apply(TilePart.Sum(shared, part, i, TTile.Columns) + bias);
            long at = Ptx.MultiplyAddWide(TRows.Row(a, row + i), 16, target);
            if (a.Accumulates != 0) y += FourLanes.LoadFrom(at);
            y.StoreTo(at);
        }
    }
}

/// <summary>
/// As it stands, and where somebody asks also count, mean and sum of squared deviations of each column of the tile
/// (<see cref="OutputMoments"/>), while it is in shared memory: the matrix is not read again. A thread takes two passes
/// over its rows, then those of a column put theirs together: sum (y - mean)^2 = sum over threads: sum (y - own)^2
/// + n (own - mean)^2, own being a thread's mean of its n rows.
/// </summary>
readonly struct MeasuredStore : IDisjointStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TTile, TSums, TOperands, TRows>(
        SharedBytes shared, DisjointArguments a, long target, int row, int rowCount, int column, int columnCount)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TRows : struct, IRowPlaces
    {
        int rows = Ptx.Min(TTile.Rows, rowCount - row);
        var part = TilePart.Of(TTile.Columns, TTile.Threads, rows, column);
        bool exists = part.Column < columnCount;
        int end = exists ? part.End : 0, count = 0;
        FourLanes bias = TilePart.Bias(a, part.Column), total = FourLanes.Splat(0);
        target = Ptx.MultiplyAddWide(TRows.Column(a, part.Column / FourLanes.Width), 16, target);
        for (int i = part.First; i < end; i += part.Between)
        {
            FourLanes y = TilePart.Sum(shared, part, i, TTile.Columns) + bias;
            y.StoreTo(Ptx.MultiplyAddWide(TRows.Row(a, row + i), 16, target));
            total += y;
            count++;
        }
        if (a.Moments == 0) return;

        FourLanes own = total * FourLanes.Splat(1f / Ptx.Max(count, 1)), squares = FourLanes.Splat(0);
        for (int i = part.First; i < end; i += part.Between)
        {
            FourLanes deviation = TilePart.Sum(shared, part, i, TTile.Columns) + bias - own;
            squares = FourLanes.MultiplyAdd(deviation, deviation, squares);
        }
        FourLanes mean = BlockReduce.SumOfLanes(shared, TTile.Columns / FourLanes.Width, total)
            * FourLanes.Splat(1f / rows);
        FourLanes ofMean = own - mean;
        squares = BlockReduce.SumOfLanes(
            shared, TTile.Columns / FourLanes.Width,
            FourLanes.MultiplyAdd(ofMean * ofMean, FourLanes.Splat(count), squares));
        if (part.First > 0 || !exists) return;
        int box = row / TTile.Rows * a.Taps;
        Write(a, part.Column, box, rows, mean.X, squares.X);
        Write(a, part.Column + 1, box, rows, mean.Y, squares.Y);
        Write(a, part.Column + 2, box, rows, mean.Z, squares.Z);
        Write(a, part.Column + 3, box, rows, mean.W, squares.W);
    }

    /// <summary>A column's channel and tap are what it is modulo, and divided by, the channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write(DisjointArguments a, int column, int box, int rows, Lane mean, Lane squares)
    {
        int channels = a.BiasChannels.Value, tap = column / a.BiasChannels;
        OutputMoments.Write(
            a.Moments, a.Boxes, channels, column - tap * channels, box + tap, rows, mean.Value, squares.Value);
    }
}

/// <summary>
/// A thread's part of a tile: neighbouring threads have neighbouring packets of a row, and a thread stays in its
/// column.
/// </summary>
struct TilePart
{
    /// <summary>The first of four columns, in the tile and in the matrix.</summary>
    public int InTile, Column;

    /// <summary>Rows of the tile.</summary>
    public int First, Between, End;

    /// <summary>That of this thread in a tile of so many columns and, in the matrix, rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Of(int columns, int threads, int rows, int column)
    {
        int packets = columns / FourLanes.Width, inTile = (Group.IdxX & packets - 1) * FourLanes.Width;
        return new TilePart
        {
            InTile = inTile,
            Column = column + inTile,
            First = Group.IdxX >> Tile.Log2(packets),
            Between = threads >> Tile.Log2(packets),
            End = rows,
        };
    }

    /// <summary>The sums of a row in these columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Sum(SharedBytes shared, TilePart part, int row, int columns) =>
        new(shared.Load4(Swizzle.Sums(row, part.InTile, columns * sizeof(float))));

    /// <summary>The bias of four columns, which may belong to several voxels of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Bias(DisjointArguments a, int column)
    {
        int channels = a.BiasChannels.Value, c0 = column - column / a.BiasChannels * channels;
        int c1 = c0 + 1 < channels ? c0 + 1 : 0, c2 = c1 + 1 < channels ? c1 + 1 : 0;
        int c3 = c2 + 1 < channels ? c2 + 1 : 0;
        return new FourLanes(Bias1(a.Bias, c0), Bias1(a.Bias, c1), Bias1(a.Bias, c2), Bias1(a.Bias, c3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Lane Bias1(long bias, int channel) =>
        new(Ptx.LoadOrZero(Ptx.MultiplyAddWide(channel, sizeof(float), bias), bias != 0));
}

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
    public static int Row(DisjointArguments a, int row) => row * (a.OutChannels / FourLanes.Width);

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
