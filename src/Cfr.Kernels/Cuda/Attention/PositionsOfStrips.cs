using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A grid of at most 16 rows and columns (SAM's windows of 14 x 14), whose keys are packed in strips: a row of the grid
/// is 16 keys, those behind its end zeros. All strips share Rw, which each lane keeps in shared memory in the order of
/// its sums; of Rh, all keys of a strip share one number a query. Both are minus infinity behind the grid's end, so that
/// keys there have no probability. A lane loads 16 bytes of Rh for a strip, and 64 of Rw at most.
/// </summary>
readonly unsafe struct PositionsOfStrips : IFlashPositions
{
    /// <summary>Keys of a strip, and most strips.</summary>
    public const int Columns = 16;

    public static string Suffix => "_strips";

    public static bool HasRest => true;

    public static bool HidesRest => true;

    /// <summary>Rw of each query, and the Rh of 32 rows a warp, which a block of fewer leaves unused.</summary>
    public static int SharedBytes(int queries, int threads) =>
        queries * Columns * sizeof(float) + Columns * (int)RowsOfStrip(threads);

    /// <summary>Bytes of a strip's Rh: of each warp, those of rows g, g + 8, g + 16 and g + 24 side by side.</summary>
    static uint RowsOfStrip(int threads) => (uint)(threads / 4 * 16);

    public static PositionPlace Begin<TSums, TFragment>(
        SharedBytes shared, uint at, FlashArguments a, int image, int firstQuery, int query, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        int thread = ILGPU.Group.IdxX, t = thread & 3, width = a.GridWidth.Value;
        long row = Row(a, image, query), eighth = Row(a, image, query + 8);
        long sixteenth = row, last = eighth;
        if (TSums.Rows > 16)
        {
            sixteenth = Row(a, image, query + 16);
            last = Row(a, image, query + 24);
        }
        uint between = (uint)threads * 16, own = at + (uint)thread * 16;
        uint ofRows = at + (uint)(TSums.Rows / 8) * between + (uint)(thread >> 2) * 16;
        for (int right = 0; right < 2; right++)
        {
            int column = right * 8 + 2 * t;
            Store(shared, own + (uint)right * between, a, row, eighth, column, width);
            if (TSums.Rows > 16)
                Store(shared, own + (uint)(right + 2) * between, a, sixteenth, last, column, width);
        }
        for (int strip = t; strip < Columns; strip += 4)
        {
            uint to = ofRows + (uint)strip * RowsOfStrip(threads);
            shared.Store2(
                to, Logit(a.RowLogits, row, strip, a.GridHeight), Logit(a.RowLogits, eighth, strip, a.GridHeight));
            shared.Store2(
                to + 8, Logit(a.RowLogits, sixteenth, strip, a.GridHeight),
                Logit(a.RowLogits, last, strip, a.GridHeight));
        }
        return new PositionPlace { Shared = own, SharedRows = (uint)Ptx.Hold((int)ofRows) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums Start<TSums, TFragment>(
        SharedBytes shared, FlashArguments a, PositionPlace place, int firstKey, int sixteen, int threads)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => TSums.AddToRows(
            TSums.LoadOwn(shared, place.Shared, (uint)threads * 16),
            shared.Load4(place.SharedRows + (uint)(firstKey / Columns + sixteen) * RowsOfStrip(threads)));

    public static Float4 OfBlock<TSums, TFragment>(FlashArguments a, PositionPlace place, int firstKey)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => default;

    /// <summary>A query's row of logits; behind the last query that one's.</summary>
    static long Row(FlashArguments a, int image, int query) =>
        (long)image * a.Queries + Ptx.Min(query, a.Queries - 1);

    static void Store(
        SharedBytes shared, uint to, FlashArguments a, long upper, long lower, int column, int width)
    {
        shared.Store2(
            to, Logit(a.ColumnLogits, upper, column, width), Logit(a.ColumnLogits, upper, column + 1, width));
        shared.Store2(
            to + 8, Logit(a.ColumnLogits, lower, column, width), Logit(a.ColumnLogits, lower, column + 1, width));
    }

    static float Logit(long logits, long row, int place, int places) => place < places
        ? ((float*)logits)[row * places + place] * FlashAttention.Log2OfE
        : float.NegativeInfinity;
}
