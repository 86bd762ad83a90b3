using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Where a lane finds what relative positions add to its logits.</summary>
struct PositionPlace
{
    /// <summary>A place in shared memory.</summary>
    public uint Shared;

    /// <summary>Another, of what keys share.</summary>
    public uint SharedRows;

    /// <summary>The row of Rh of the lane's first query, in global memory.</summary>
    public long OfRow;
}

/// <summary>
/// What is added to the logits, in powers of 2: sums begin with it, so that most of it costs no addition.
/// </summary>
interface IFlashPositions
{
    /// <summary>Ends the names of kernels.</summary>
    static abstract string Suffix { get; }

    /// <summary>Whether the last block of keys may be cut short.</summary>
    static abstract bool HasRest { get; }

    /// <summary>Whether what is added is minus infinity for keys that are not there.</summary>
    static abstract bool HidesRest { get; }

    /// <summary>Shared memory of a block of so many queries and threads.</summary>
    static abstract int SharedBytes(int queries, int threads);

    /// <summary>
    /// Prepares a block; <paramref name="query"/> is the lane's first, <paramref name="at"/> in shared memory.
    /// </summary>
    static abstract PositionPlace Begin<TSums, TFragment>(
        SharedBytes shared, uint at, FlashArguments a, int image, int firstQuery, int query, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged;

    /// <summary>What the sums of 16 keys begin with.</summary>
    static abstract TSums Start<TSums, TFragment>(
        SharedBytes shared, FlashArguments a, PositionPlace place, int firstKey, int sixteen, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged;

    /// <summary>What all keys of the block beginning here add to a row.</summary>
    static abstract Float4 OfBlock<TSums, TFragment>(FlashArguments a, PositionPlace place, int firstKey)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged;
}

/// <summary>None.</summary>
readonly struct NoPositions : IFlashPositions
{
    public static string Suffix => "";

    public static bool HasRest => true;

    public static bool HidesRest => false;

    public static int SharedBytes(int queries, int threads) => 0;

    public static PositionPlace Begin<TSums, TFragment>(
        SharedBytes shared, uint at, FlashArguments a, int image, int firstQuery, int query, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => default;

    public static TSums Start<TSums, TFragment>(
        SharedBytes shared, FlashArguments a, PositionPlace place, int firstKey, int sixteen, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => default;

    public static Float4 OfBlock<TSums, TFragment>(FlashArguments a, PositionPlace place, int firstKey)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => default;
}

/// <summary>
/// A grid of 64 columns (SAM's 64 x 64): a block of 64 keys is a row of it. Rw is then the same tile for every block;
/// each lane keeps its part of it in shared memory in the order of its sums, 16 bytes at a time. Rh is one number a
/// query and block, added where the row's largest logit is subtracted.
/// </summary>
readonly unsafe struct PositionsOfKeyRows : IFlashPositions
{
    /// <summary>Columns of the grid, and keys of a block.</summary>
    public const int Columns = 64;

    public static string Suffix => "_key_rows";

    public static bool HasRest => false;

    public static bool HidesRest => false;

    public static int SharedBytes(int queries, int threads) => queries * Columns * sizeof(float);

    public static PositionPlace Begin<TSums, TFragment>(
        SharedBytes shared, uint at, FlashArguments a, int image, int firstQuery, int query, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        int thread = ILGPU.Group.IdxX, t = thread & 3, tiles = TSums.Rows / 8;
        uint own = at + (uint)thread * 16;
        for (int i = 0; i < 4 * tiles; i++)
        {
            int tile = i % tiles, column = i / tiles * 16 + tile % 2 * 8 + 2 * t, row = query + tile / 2 * 16;
            float* upper = Row(a, image, row) + column, lower = Row(a, image, row + 8) + column;
            uint to = own + (uint)(i * threads * 16);
            shared.Store2(to, upper[0] * FlashAttention.Log2OfE, upper[1] * FlashAttention.Log2OfE);
            shared.Store2(to + 8, lower[0] * FlashAttention.Log2OfE, lower[1] * FlashAttention.Log2OfE);
        }
        // Queries are whole rows of 64: those of a warp are all there, or all behind the last.
        int first = query < a.Queries ? query : query & 31;
        return new PositionPlace
        {
            Shared = (uint)Ptx.Hold((int)own),
            OfRow = Ptx.Hold(a.RowLogits + ((long)image * a.Queries + first) * a.GridHeight * sizeof(float)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums Start<TSums, TFragment>(
        SharedBytes shared, FlashArguments a, PositionPlace place, int firstKey, int sixteen, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged =>
        TSums.LoadOwn(
            shared, place.Shared + (uint)(sixteen * (TSums.Rows / 8) * threads * 16), (uint)threads * 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 OfBlock<TSums, TFragment>(FlashArguments a, PositionPlace place, int firstKey)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        float* row = (float*)place.OfRow + firstKey / Columns;
        int eight = 8 * a.GridHeight;
        float x = row[0] * FlashAttention.Log2OfE, y = row[eight] * FlashAttention.Log2OfE;
        return TSums.Rows == 16
            ? new Float4(x, y, 0, 0)
            : new Float4(x, y, row[2 * eight] * FlashAttention.Log2OfE, row[3 * eight] * FlashAttention.Log2OfE);
    }

    static float* Row(FlashArguments a, int image, int query) =>
        (float*)a.ColumnLogits + ((long)image * a.Queries + Ptx.Min(query, a.Queries - 1)) * Columns;
}

/// <summary>
/// Any grid whose height and width are 76 together at most: the block's rows of Rh and Rw
/// lie side by side in shared memory, and each logit begins with the sum of two words of them. Rows are 76 words apart:
/// eight of them begin at different banks.
/// </summary>
readonly unsafe struct PositionsByKey : IFlashPositions
{
    public const int MostPlaces = 76;

    const uint RowBytes = MostPlaces * sizeof(float);

    public static string Suffix => "_by_key";

    public static bool HasRest => true;

    public static bool HidesRest => false;

    public static int SharedBytes(int queries, int threads) => queries * (int)RowBytes;

    public static PositionPlace Begin<TSums, TFragment>(
        SharedBytes shared, uint at, FlashArguments a, int image, int firstQuery, int query, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        int lane = ILGPU.Group.IdxX & 31, width = a.GridWidth.Value;
        int warps = threads / BlockReduce.WarpSize;
        for (int row = ILGPU.Group.IdxX >> 5; row < warps * TSums.Rows; row += warps)
        {
            long from = (long)image * a.Queries + Ptx.Min(firstQuery + row, a.Queries - 1);
            float* ofRow = (float*)a.RowLogits + from * a.GridHeight, ofColumn = (float*)a.ColumnLogits + from * width;
            uint to = at + (uint)row * RowBytes;
            for (int i = lane; i < a.GridHeight; i += BlockReduce.WarpSize)
                shared.Store(to + (uint)i * sizeof(float), ofRow[i] * FlashAttention.Log2OfE);
            for (int i = lane; i < width; i += BlockReduce.WarpSize)
                shared.Store(to + (uint)(a.GridHeight + i) * sizeof(float), ofColumn[i] * FlashAttention.Log2OfE);
        }
        return new PositionPlace { Shared = (uint)Ptx.Hold((int)at + (query - firstQuery) * (int)RowBytes) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums Start<TSums, TFragment>(
        SharedBytes shared, FlashArguments a, PositionPlace place, int firstKey, int sixteen, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        int key = firstKey + sixteen * 16 + 2 * (ILGPU.Group.IdxX & 3);
        return TSums.Gather(
            shared, Place(a, place, key), Place(a, place, key + 1), Place(a, place, key + 8), Place(a, place, key + 9),
            8 * RowBytes);
    }

    public static Float4 OfBlock<TSums, TFragment>(FlashArguments a, PositionPlace place, int firstKey)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static KeyPlaces Place(FlashArguments a, PositionPlace place, int key)
    {
        key = Ptx.Min(key, a.Keys - 1);
        int row = key / a.GridWidth, column = key - row * a.GridWidth.Value;
        return new KeyPlaces
        {
            OfRow = place.Shared + (uint)row * sizeof(float),
            OfColumn = place.Shared + (uint)(a.GridHeight + column) * sizeof(float),
        };
    }
}
