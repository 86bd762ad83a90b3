using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>How flash attention multiplies on tensor cores.</summary>
interface IFlashProducts
{
    /// <summary>Warps of a block.</summary>
    static abstract int Warps { get; }

    /// <summary>What a thread does between its copies' arrival and the barrier that shows them to others.</summary>
    static abstract void Show();

    /// <summary>Logits of a block of 64 keys, in powers of 2, with what positions add.</summary>
    static abstract BlockSums<TSums> Logits<TFactors, TSums, TFragment, TQueries, TPositions>(
        SharedBytes shared, FlashArguments a, PositionPlace positions, TQueries q, uint tile, uint place, int firstKey)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
        where TPositions : struct, IFlashPositions;

    /// <summary>Adds the product of the block's probabilities and the values in the tile.</summary>
    static abstract TColumns Values<TFactors, TSums, TFragment, TColumns>(
        SharedBytes shared, TColumns sums, BlockSums<TSums> p, uint tile, uint place, int rowBytes)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment>;
}

/// <summary>Warp by warp, 16 keys at a time.</summary>
readonly struct FlashWarps : IFlashProducts
{
    public static int Warps => 4;

    public static void Show()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BlockSums<TSums> Logits<TFactors, TSums, TFragment, TQueries, TPositions>(
        SharedBytes shared, FlashArguments a, PositionPlace positions, TQueries q, uint tile, uint place, int firstKey)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
        where TPositions : struct, IFlashPositions => new()
        {
            B0 = Sixteen<TFactors, TSums, TFragment, TQueries, TPositions>(
                shared, a, positions, q, tile, place, firstKey, 0),
            B1 = Sixteen<TFactors, TSums, TFragment, TQueries, TPositions>(
                shared, a, positions, q, tile, place, firstKey, 1),
            B2 = Sixteen<TFactors, TSums, TFragment, TQueries, TPositions>(
                shared, a, positions, q, tile, place, firstKey, 2),
            B3 = Sixteen<TFactors, TSums, TFragment, TQueries, TPositions>(
                shared, a, positions, q, tile, place, firstKey, 3),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TSums Sixteen<TFactors, TSums, TFragment, TQueries, TPositions>(
        SharedBytes shared, FlashArguments a, PositionPlace positions, TQueries q, uint tile, uint place, int firstKey,
        int sixteen)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
        where TPositions : struct, IFlashPositions
    {
        int rowBytes = TQueries.Steps * 32;
        TSums start = TPositions.Start<TSums, TFragment>(
            shared, a, positions, firstKey, sixteen, Warps * BlockReduce.WarpSize);
        return TQueries.Multiply<TFactors>(
            shared, start, q, tile + (uint)(sixteen * 16 * rowBytes), place, rowBytes, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TColumns Values<TFactors, TSums, TFragment, TColumns>(
        SharedBytes shared, TColumns sums, BlockSums<TSums> p, uint tile, uint place, int rowBytes)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment>
    {
        uint sixteen = (uint)(16 * rowBytes);
        sums = Sixteen<TFactors, TSums, TFragment, TColumns>(shared, sums, p.B0, tile, place, rowBytes);
        sums = Sixteen<TFactors, TSums, TFragment, TColumns>(shared, sums, p.B1, tile + sixteen, place, rowBytes);
        sums = Sixteen<TFactors, TSums, TFragment, TColumns>(shared, sums, p.B2, tile + 2 * sixteen, place, rowBytes);
        return Sixteen<TFactors, TSums, TFragment, TColumns>(shared, sums, p.B3, tile + 3 * sixteen, place, rowBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TColumns Sixteen<TFactors, TSums, TFragment, TColumns>(
        SharedBytes shared, TColumns sums, TSums p, uint tile, uint place, int rowBytes)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment> => TColumns.AddValues<TFactors>(
            shared, sums, TFactors.Round<TSums, TFragment>(p), tile, place, 0, rowBytes);
}

/// <summary>
/// Warp groups, two a block with 16 rows a warp, all 64 keys at once, in bfloat16: keys and values are read by the
/// tensor cores themselves, queries and probabilities are a warp's 16 rows in registers, so that which rows these are is
/// the warp's affair. Heads of 64, in rows of 128 bytes, whose order of chunks (<see cref="PackedRows"/>) is the tensor
/// cores' own.
/// </summary>
readonly struct FlashWarpgroups : IFlashProducts
{
    /// <summary>Keys of a block, and columns of a head.</summary>
    public const int Columns = 64;

    /// <summary>Sets of sums: of logits, and of values.</summary>
    public const int OfLogits = 0, OfValues = 1, Sets = 2;

    public static int Warps => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Show() => Ptx.ShowToTensorCores();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BlockSums<TSums> Logits<TFactors, TSums, TFragment, TQueries, TPositions>(
        SharedBytes shared, FlashArguments a, PositionPlace positions, TQueries q, uint tile, uint place, int firstKey)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
        where TPositions : struct, IFlashPositions
    {
        Begin<TSums, TFragment, TPositions>(shared, a, positions, firstKey, 0);
        Begin<TSums, TFragment, TPositions>(shared, a, positions, firstKey, 1);
        Begin<TSums, TFragment, TPositions>(shared, a, positions, firstKey, 2);
        Begin<TSums, TFragment, TPositions>(shared, a, positions, firstKey, 3);
        Ptx.BeginProducts();
        TQueries.AddProducts(shared, q, tile, 0);
        Ptx.CommitProducts();
        Ptx.WaitForProducts();
        return new BlockSums<TSums>
        {
            B0 = TSums.Get(shared, OfLogits, 0),
            B1 = TSums.Get(shared, OfLogits, 1),
            B2 = TSums.Get(shared, OfLogits, 2),
            B3 = TSums.Get(shared, OfLogits, 3),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TColumns Values<TFactors, TSums, TFragment, TColumns>(
        SharedBytes shared, TColumns sums, BlockSums<TSums> p, uint tile, uint place, int rowBytes)
        where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment>
    {
        // All operands are there before the first product: instructions between products would hold them up.
        TFragment p0 = TSums.BFloat16Operand(p.B0), p1 = TSums.BFloat16Operand(p.B1);
        TFragment p2 = TSums.BFloat16Operand(p.B2), p3 = TSums.BFloat16Operand(p.B3);
        TColumns.Put(shared, sums, 0);
        Ptx.BeginProducts();
        Sixteen<TSums, TFragment>(shared, p0, tile, 0);
        Sixteen<TSums, TFragment>(shared, p1, tile, 1);
        Sixteen<TSums, TFragment>(shared, p2, tile, 2);
        Sixteen<TSums, TFragment>(shared, p3, tile, 3);
        Ptx.CommitProducts();
        Ptx.WaitForProducts();
        return TColumns.Get(shared, 0);
    }

    /// <summary>Sums of 16 keys begin with what positions add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Begin<TSums, TFragment, TPositions>(
        SharedBytes shared, FlashArguments a, PositionPlace positions, int firstKey, int sixteen)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TPositions : struct, IFlashPositions => TSums.Put(
            shared,
            TPositions.Start<TSums, TFragment>(
                shared, a, positions, firstKey, sixteen, Warps * BlockReduce.WarpSize),
            OfLogits, sixteen);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Sixteen<TSums, TFragment>(SharedBytes shared, TFragment p, uint tile, int sixteen)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => TSums.AddProducts(
            shared, p, MatrixDescriptor.OfSteps(shared, tile + (uint)(sixteen * 16 * 2 * Columns), 2 * Columns * 8),
            turned: true, OfValues);
}
