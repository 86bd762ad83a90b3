using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="FlashAttention"/>.</summary>
struct FlashArguments
{
    /// <summary>Packed heads (<see cref="AttentionPack"/>); queries are already scaled.</summary>
    public long Q, K, V;
    public TokenRows Y;

    /// <summary>1 where y is rounded to bfloat16.</summary>
    public int IsHalf;

    /// <summary>[Batch, Heads, Queries], or 0.</summary>
    public long LogSumExp;

    /// <summary>Rh and Rw (<see cref="RelativeLogits"/>), where there are relative positions.</summary>
    public long RowLogits, ColumnLogits;
    public int Queries, Keys, HeadWidth, GridHeight;
    public Divisor GridWidth, Heads, Tiles;
    public WindowGrid Windows;
}

/// <summary>Logits, and then probabilities, of a warp's rows and the 64 keys of a block.</summary>
struct BlockSums<TSums> where TSums : unmanaged
{
    public TSums B0, B1, B2, B3;
}

/// <summary>
/// Attention on tensor cores (FlashAttention-2, Dao 2023): a block of four warps (or two groups of four) takes 128 (or
/// 64) queries of a head past all of its keys, 64 at a time; logits and probabilities stay in registers.
/// <code>
///   for blocks of 64 keys, the next of which is on its way:
///     S = q k^T + positions       m' = max(m, rows of S)      P = 2^(S - m')      f = 2^(m - m')
///     l = l f + rows of P         O = O f + P v               m = m'
///   y = O / l       logSumExp = (m + log2 l) ln 2
/// </code>
/// Everything is in powers of 2: queries come scaled by log2(e). A lane adds up l of its own columns and meets the
/// three others that share its rows once, at the end; for m they meet in every block.
/// <code>
///   FLOP 4 Queries Keys HeadWidth a head; bytes from L2 2 Keys rowBytes a block of queries
///   of a warp, 32 rows, 64 keys, width 64, bfloat16:       128 mma, 512 clocks at peak, 820 as mma.sync reaches
///     2,048 exponentials                                   512 clocks of a quarter's special units
///     K 8, V 8 and positions 8 KiB from shared memory      192 clocks, 768 of all four warps
/// </code>
/// Blocks of one head have neighbouring numbers, so that its keys and values stay in L2.
/// </summary>
static unsafe class FlashAttention
{
    public const int KeysOfBlock = 64;

    public const float Log2OfE = 1.44269504f;

    const float Ln2 = 0.693147181f;

    /// <summary>Two tiles of keys and values, and what the positions need.</summary>
    public static int SharedBytes<TPositions>(int rowBytes, int warps, int rows)
        where TPositions : struct, IFlashPositions =>
        4 * KeysOfBlock * rowBytes + TPositions.SharedBytes(warps * rows, warps * BlockReduce.WarpSize);

    public static void Run<TProducts, TFactors, TSums, TFragment, TQueries, TColumns, TPositions>(FlashArguments a)
        where TProducts : struct, IFlashProducts where TFactors : struct, IFlashFactors
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
        where TQueries : unmanaged, IQuerySteps<TQueries, TSums, TFragment>
        where TColumns : unmanaged, IHeadColumns<TColumns, TSums, TFragment>
        where TPositions : struct, IFlashPositions
    {
        var shared = Cuda.SharedBytes.Dynamic();
        int thread = Group.IdxX, lane = thread & 31, rowBytes = TQueries.Steps * 32;
        int threads = TProducts.Warps * BlockReduce.WarpSize, image = Grid.IdxX / a.Tiles;
        int firstQuery = (Grid.IdxX - image * a.Tiles.Value) * (TProducts.Warps * TSums.Rows);
        int query = firstQuery + (thread >> 5) * TSums.Rows + (lane >> 2);
        if (firstQuery >= TokenWindow.End(a.Windows, TokenWindow.Of(a.Windows, image / a.Heads), a.Queries)) return;

        uint tileBytes = (uint)(KeysOfBlock * rowBytes), target = (uint)thread * 16;
        long keys = a.K + (long)image * a.Keys * rowBytes + thread * 16, toValues = a.V - a.K;
        int bytesLeft = TPositions.HasRest ? a.Keys * rowBytes - thread * 16 : int.MaxValue;
        CopyTile(shared, rowBytes, threads, target, keys, bytesLeft);
        CopyTile(shared, rowBytes, threads, target + tileBytes, keys + toValues, bytesLeft);
        Ptx.CommitCopies();

        TQueries q = TQueries.Load(
            a.Q + ((long)image * a.Queries + query) * rowBytes, lane, PackedRows.Turn(lane >> 2, rowBytes), rowBytes,
            a.Queries - query, 0);
        PositionPlace positions = TPositions.Begin<TSums, TFragment>(
            shared, 4 * tileBytes, a, image, firstQuery, query, threads);
        uint placeOfKeys = (uint)Ptx.Hold(
            (int)PackedRows.Place((lane & 7) + (lane >> 4 << 3), lane >> 3 & 1, rowBytes));
        uint placeOfValues = (uint)Ptx.Hold((int)TFactors.PlaceOfValues(lane, rowBytes));

        TColumns sums = default;
        Float4 largest = new(
            float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity);
        Float4 total = default;
        uint tile = 0;
        for (int firstKey = 0; firstKey < a.Keys; firstKey += KeysOfBlock)
        {
            Ptx.WaitForCopies();
            TProducts.Show();
            Group.Barrier();
            uint next = 2 * tileBytes - tile;
            if (firstKey + KeysOfBlock < a.Keys)
            {
                keys += tileBytes;
                if (TPositions.HasRest) bytesLeft -= (int)tileBytes;
                CopyTile(shared, rowBytes, threads, target + next, keys, bytesLeft);
                CopyTile(shared, rowBytes, threads, target + next + tileBytes, keys + toValues, bytesLeft);
                Ptx.CommitCopies();
            }

            Float4 ofBlock = TPositions.OfBlock<TSums, TFragment>(a, positions, firstKey);
            BlockSums<TSums> s = TProducts.Logits<TFactors, TSums, TFragment, TQueries, TPositions>(
                shared, a, positions, q, tile, placeOfKeys, firstKey);
            int left = a.Keys - firstKey;
            if (TPositions.HasRest && !TPositions.HidesRest && left < KeysOfBlock)
            {
                left -= 2 * (lane & 3);
                s = new BlockSums<TSums>
                {
                    B0 = TSums.Mask(s.B0, left),
                    B1 = TSums.Mask(s.B1, left - 16),
                    B2 = TSums.Mask(s.B2, left - 32),
                    B3 = TSums.Mask(s.B3, left - 48),
                };
            }

            Float4 ofRows = new(
                float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity);
            ofRows = TSums.Max(TSums.Max(TSums.Max(TSums.Max(ofRows, s.B0), s.B1), s.B2), s.B3);
            Float4 now = Larger<TSums, TFragment>(largest, ofRows, ofBlock);
            var shift = new Float4(ofBlock.X - now.X, ofBlock.Y - now.Y, ofBlock.Z - now.Z, ofBlock.W - now.W);
            Float4 factor = Factor<TSums, TFragment>(largest, now);
            largest = now;
            s = new BlockSums<TSums>
            {
                B0 = TSums.Exp2(s.B0, shift),
                B1 = TSums.Exp2(s.B1, shift),
                B2 = TSums.Exp2(s.B2, shift),
                B3 = TSums.Exp2(s.B3, shift),
            };
            total = new Float4(total.X * factor.X, total.Y * factor.Y, total.Z * factor.Z, total.W * factor.W);
            total = TSums.Add(TSums.Add(TSums.Add(TSums.Add(total, s.B0), s.B1), s.B2), s.B3);

            sums = TColumns.Scale(sums, factor);
            sums = TProducts.Values<TFactors, TSums, TFragment, TColumns>(
                shared, sums, s, tile + tileBytes, placeOfValues, rowBytes);
            tile = next;
        }

        total = OverQuad<TSums, TFragment>(total);
        sums = TColumns.Scale(sums, new Float4(1 / total.X, 1 / total.Y, 1 / total.Z, 1 / total.W));
        // Found anew: no register holds it during the loop.
        image = Ptx.Hold(image);
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        TokenWindow window = TokenWindow.Of(a.Windows, batch);
        int column = 2 * (lane & 3), component = head * a.HeadWidth + column, rowsLeft = a.Queries - query;
        var y = new FourRows
        {
            X = rowsLeft > 0 ? Row(a, window, query, component) : 0,
            Y = rowsLeft > 8 ? Row(a, window, query + 8, component) : 0,
            IsHalf = a.IsHalf,
        };
        if (TSums.Rows > 16)
        {
            y.Z = rowsLeft > 16 ? Row(a, window, query + 16, component) : 0;
            y.W = rowsLeft > 24 ? Row(a, window, query + 24, component) : 0;
        }
        TColumns.Store(sums, y, 0, a.HeadWidth - column);
        if (a.LogSumExp == 0 || column != 0) return;
        float* logSumExp = (float*)a.LogSumExp + (long)image * a.Queries + query;
        if (rowsLeft > 0) logSumExp[0] = LogSumExp(largest.X, total.X);
        if (rowsLeft > 8) logSumExp[8] = LogSumExp(largest.Y, total.Y);
        if (TSums.Rows == 16) return;
        if (rowsLeft > 16) logSumExp[16] = LogSumExp(largest.Z, total.Z);
        if (rowsLeft > 24) logSumExp[24] = LogSumExp(largest.W, total.W);
    }

    /// <summary>Where a component of a query's result lies; 0 outside the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Row(FlashArguments a, TokenWindow window, int query, int component)
    {
        long row = TokenRows.Row(a.Y, a.Windows, window, query, component);
        return a.IsHalf != 0 && row != 0 ? a.Y.Address + (row - a.Y.Address) / 2 : row;
    }

    /// <summary>Starts a thread's part of copying a tile, chunks of 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void CopyTile(SharedBytes shared, int rowBytes, int threads, uint target, long source, int bytesLeft)
    {
        int chunks = KeysOfBlock * rowBytes / 16 / threads;
        Chunk(shared, threads, target, source, bytesLeft, 0);
        if (chunks > 1) Chunk(shared, threads, target, source, bytesLeft, 1);
        if (chunks > 2) Chunk(shared, threads, target, source, bytesLeft, 2);
        if (chunks > 3) Chunk(shared, threads, target, source, bytesLeft, 3);
        if (chunks > 4) Chunk(shared, threads, target, source, bytesLeft, 4);
        if (chunks > 5) Chunk(shared, threads, target, source, bytesLeft, 5);
        if (chunks > 6) Chunk(shared, threads, target, source, bytesLeft, 6);
        if (chunks > 7) Chunk(shared, threads, target, source, bytesLeft, 7);
        if (chunks > 8) Chunk(shared, threads, target, source, bytesLeft, 8);
        if (chunks > 9) Chunk(shared, threads, target, source, bytesLeft, 9);
        if (chunks <= 10) return;
        Chunk(shared, threads, target, source, bytesLeft, 10);
        Chunk(shared, threads, target, source, bytesLeft, 11);
        Chunk(shared, threads, target, source, bytesLeft, 12);
        Chunk(shared, threads, target, source, bytesLeft, 13);
        Chunk(shared, threads, target, source, bytesLeft, 14);
        Chunk(shared, threads, target, source, bytesLeft, 15);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Chunk(SharedBytes shared, int threads, uint target, long source, int bytesLeft, int i) =>
        Ptx.CopyAsync16(
            shared, target + (uint)(i * threads * 16), source + i * threads * 16,
            i * threads * 16 < bytesLeft ? 16 : 0);

    /// <summary>The largest logit so far, with those of the quad and what the block adds to them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 Larger<TSums, TFragment>(Float4 largest, Float4 ofLane, Float4 ofBlock)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        largest.X = Ptx.Max(largest.X, MaxOfQuad(ofLane.X) + ofBlock.X);
        largest.Y = Ptx.Max(largest.Y, MaxOfQuad(ofLane.Y) + ofBlock.Y);
        if (TSums.Rows == 16) return largest;
        largest.Z = Ptx.Max(largest.Z, MaxOfQuad(ofLane.Z) + ofBlock.Z);
        largest.W = Ptx.Max(largest.W, MaxOfQuad(ofLane.W) + ofBlock.W);
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 Factor<TSums, TFragment>(Float4 before, Float4 now)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        float x = Ptx.Exp2(before.X - now.X), y = Ptx.Exp2(before.Y - now.Y);
        return TSums.Rows == 16
            ? new Float4(x, y, 0, 0)
            : new Float4(x, y, Ptx.Exp2(before.Z - now.Z), Ptx.Exp2(before.W - now.W));
    }

    /// <summary>Sums over the four lanes that share rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 OverQuad<TSums, TFragment>(Float4 value)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged => TSums.Rows == 16
            ? new Float4(SumOfQuad(value.X), SumOfQuad(value.Y), 1, 1)
            : new Float4(SumOfQuad(value.X), SumOfQuad(value.Y), SumOfQuad(value.Z), SumOfQuad(value.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float MaxOfQuad(float value)
    {
        value = Ptx.Max(value, Warp.ShuffleXor(value, 1));
        return Ptx.Max(value, Warp.ShuffleXor(value, 2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float SumOfQuad(float value)
    {
        value += Warp.ShuffleXor(value, 1);
        return value + Warp.ShuffleXor(value, 2);
    }

    static float LogSumExp(float largest, float total) =>
        Ptx.MultiplyAdd(largest, Ln2, Logarithm.Apply(new Lane(total)).Value);
}
