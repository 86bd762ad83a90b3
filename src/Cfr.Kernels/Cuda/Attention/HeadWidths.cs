using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A warp's queries as left operands, 32 bytes of the head's width at a time. Nothing unrolls loops over registers, so
/// a width is a type: one step, or two runs of steps joined.
/// </summary>
interface IQuerySteps<TSelf, TSums, TFragment>
    where TSelf : unmanaged, IQuerySteps<TSelf, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    static abstract int Steps { get; }

    /// <summary>
    /// Loads steps from this one on; the address is that of the lane's first row, whose chunks are turned so (see <see
    /// cref="PackedRows.Turn"/>).
    /// </summary>
    static abstract TSelf Load(long address, int lane, int turn, int rowBytes, int rowsLeft, int step);

    /// <summary>
    /// Adds the product with 16 keys of the tile at <paramref name="tile"/>, where the lane has its place.
    /// </summary>
    static abstract TSums Multiply<TFactors>(
        SharedBytes shared, TSums sums, TSelf queries, uint tile, uint place, int rowBytes, int step)
        where TFactors : struct, IFlashFactors;

    /// <summary>Begins adding the products with the tile's 64 keys, in rows of 128 bytes, to sums of warp groups.</summary>
    static abstract void AddProducts(SharedBytes shared, TSelf queries, uint tile, int step);
}

/// <summary>32 bytes.</summary>
struct OneStep<TSums, TFragment> : IQuerySteps<OneStep<TSums, TFragment>, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    public TFragment A;

    public static int Steps => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneStep<TSums, TFragment> Load(
        long address, int lane, int turn, int rowBytes, int rowsLeft, int step)
    {
        int word = (lane & 3) * 4;
        long first = address + (((2 * step ^ turn) << 4) + word);
        long further = address + (((2 * step + 1 ^ turn) << 4) + word);
        return new() { A = TSums.LoadOperand(first, further, rowBytes, rowsLeft) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums Multiply<TFactors>(
        SharedBytes shared, TSums sums, OneStep<TSums, TFragment> queries, uint tile, uint place, int rowBytes,
        int step)
        where TFactors : struct, IFlashFactors => TSums.Multiply<TFactors>(
            shared, sums, queries.A, Ptx.LoadMatrix(shared, tile + PackedRows.Further(place, step, rowBytes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProducts(SharedBytes shared, OneStep<TSums, TFragment> queries, uint tile, int step) =>
        TSums.AddProducts(
            shared, queries.A, MatrixDescriptor.OfWideLines(shared, tile + (uint)(step * 32)), turned: false,
            FlashWarpgroups.OfLogits);
}

/// <summary>Some steps and some more.</summary>
struct JoinedSteps<TLeft, TRight, TSums, TFragment>
    : IQuerySteps<JoinedSteps<TLeft, TRight, TSums, TFragment>, TSums, TFragment>
    where TLeft : unmanaged, IQuerySteps<TLeft, TSums, TFragment>
    where TRight : unmanaged, IQuerySteps<TRight, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    public TLeft Left;
    public TRight Right;

    public static int Steps => TLeft.Steps + TRight.Steps;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JoinedSteps<TLeft, TRight, TSums, TFragment> Load(
        long address, int lane, int turn, int rowBytes, int rowsLeft, int step) => new()
        {
            Left = TLeft.Load(address, lane, turn, rowBytes, rowsLeft, step),
            Right = TRight.Load(address, lane, turn, rowBytes, rowsLeft, step + TLeft.Steps),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums Multiply<TFactors>(
        SharedBytes shared, TSums sums, JoinedSteps<TLeft, TRight, TSums, TFragment> queries, uint tile, uint place,
        int rowBytes, int step) where TFactors : struct, IFlashFactors => TRight.Multiply<TFactors>(
            shared, TLeft.Multiply<TFactors>(shared, sums, queries.Left, tile, place, rowBytes, step), queries.Right,
            tile, place, rowBytes, step + TLeft.Steps);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProducts(
        SharedBytes shared, JoinedSteps<TLeft, TRight, TSums, TFragment> queries, uint tile, int step)
    {
        TLeft.AddProducts(shared, queries.Left, tile, step);
        TRight.AddProducts(shared, queries.Right, tile, step + TLeft.Steps);
    }
}

/// <summary>
/// A warp's sums of values, 16 columns of the head's width at a time; see <see cref="IQuerySteps{A,B,C}"/>.
/// </summary>
interface IHeadColumns<TSelf, TSums, TFragment>
    where TSelf : unmanaged, IHeadColumns<TSelf, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    /// <summary>Runs of 16 columns.</summary>
    static abstract int Count { get; }

    static abstract TSelf Scale(TSelf sums, Float4 factor);

    /// <summary>Adds the product of 16 keys' probabilities and values; see <see cref="IFlashFactors"/>.</summary>
    static abstract TSelf AddValues<TFactors>(
        SharedBytes shared, TSelf sums, Probabilities<TFragment> p, uint tile, uint place, int column, int rowBytes)
        where TFactors : struct, IFlashFactors;

    /// <summary>Makes them sums of warp groups, and what has become of those.</summary>
    static abstract void Put(SharedBytes shared, TSelf sums, int column);

    static abstract TSelf Get(SharedBytes shared, int column);

    /// <summary>Stores columns of the lane's rows, as many as are left, so many columns further on.</summary>
    static abstract void Store(TSelf sums, FourRows rows, int column, int columnsLeft);
}

/// <summary>16 columns.</summary>
struct Columns16<TSums, TFragment> : IHeadColumns<Columns16<TSums, TFragment>, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    public TSums C;

    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Columns16<TSums, TFragment> Scale(Columns16<TSums, TFragment> sums, Float4 factor) =>
        new() { C = TSums.Scale(sums.C, factor) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Columns16<TSums, TFragment> AddValues<TFactors>(
        SharedBytes shared, Columns16<TSums, TFragment> sums, Probabilities<TFragment> p, uint tile, uint place,
        int column, int rowBytes) where TFactors : struct, IFlashFactors =>
        new() { C = TFactors.AddValues<TSums, TFragment>(shared, sums.C, p, tile, place, column, rowBytes) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(SharedBytes shared, Columns16<TSums, TFragment> sums, int column) =>
        TSums.Put(shared, sums.C, FlashWarpgroups.OfValues, column);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Columns16<TSums, TFragment> Get(SharedBytes shared, int column) =>
        new() { C = TSums.Get(shared, FlashWarpgroups.OfValues, column) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Columns16<TSums, TFragment> sums, FourRows rows, int column, int columnsLeft) =>
        TSums.Store(sums.C, rows, column, columnsLeft);
}

/// <summary>Some columns and some more.</summary>
struct JoinedColumns<TLeft, TRight, TSums, TFragment>
    : IHeadColumns<JoinedColumns<TLeft, TRight, TSums, TFragment>, TSums, TFragment>
    where TLeft : unmanaged, IHeadColumns<TLeft, TSums, TFragment>
    where TRight : unmanaged, IHeadColumns<TRight, TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    public TLeft Left;
    public TRight Right;

    public static int Count => TLeft.Count + TRight.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JoinedColumns<TLeft, TRight, TSums, TFragment> Scale(
        JoinedColumns<TLeft, TRight, TSums, TFragment> sums, Float4 factor) =>
        new() { Left = TLeft.Scale(sums.Left, factor), Right = TRight.Scale(sums.Right, factor) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JoinedColumns<TLeft, TRight, TSums, TFragment> AddValues<TFactors>(
        SharedBytes shared, JoinedColumns<TLeft, TRight, TSums, TFragment> sums, Probabilities<TFragment> p, uint tile,
        uint place, int column, int rowBytes) where TFactors : struct, IFlashFactors => new()
        {
            Left = TLeft.AddValues<TFactors>(shared, sums.Left, p, tile, place, column, rowBytes),
            Right = TRight.AddValues<TFactors>(shared, sums.Right, p, tile, place, column + TLeft.Count, rowBytes),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(SharedBytes shared, JoinedColumns<TLeft, TRight, TSums, TFragment> sums, int column)
    {
        TLeft.Put(shared, sums.Left, column);
        TRight.Put(shared, sums.Right, column + TLeft.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JoinedColumns<TLeft, TRight, TSums, TFragment> Get(SharedBytes shared, int column) =>
        new() { Left = TLeft.Get(shared, column), Right = TRight.Get(shared, column + TLeft.Count) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        JoinedColumns<TLeft, TRight, TSums, TFragment> sums, FourRows rows, int column, int columnsLeft)
    {
        TLeft.Store(sums.Left, rows, column, columnsLeft);
        TRight.Store(sums.Right, rows, column + TLeft.Count * 16, columnsLeft - TLeft.Count * 16);
    }
}

/// <summary>Puts widths of queries together; only the types of what is given and returned matter.</summary>
class QueryWidths<TSums, TFragment>
    where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
{
    public OneStep<TSums, TFragment> Step => default;

    public JoinedSteps<TLeft, TRight, TSums, TFragment> Join<TLeft, TRight>(
        IQuerySteps<TLeft, TSums, TFragment> left, IQuerySteps<TRight, TSums, TFragment> right)
        where TLeft : unmanaged, IQuerySteps<TLeft, TSums, TFragment>
        where TRight : unmanaged, IQuerySteps<TRight, TSums, TFragment> => default;

    public JoinedSteps<T, T, TSums, TFragment> Twice<T>(IQuerySteps<T, TSums, TFragment> steps)
        where T : unmanaged, IQuerySteps<T, TSums, TFragment> => default;
}
