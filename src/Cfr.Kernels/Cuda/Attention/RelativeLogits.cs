using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="RelativeLogits"/>. Tokens of the grid are taken in lines along which the position that the
/// table tells apart is the same: rows for the table of heights, columns for that of widths.
/// </summary>
struct RelativeLogitsArguments
{
    public TokenRows Q;

    /// <summary>Table [2 Keys - 1, HeadWidth] and logits [Batch, Heads, Lines x Positions, Keys].</summary>
    public long Table, Logits;

    /// <summary>Lines of the grid (as many as there are keys), and tokens of a line.</summary>
    public Divisor Keys, Positions;

    public Divisor Heads;
    public WindowGrid Windows;

    /// <summary>From line to line and from token to token of a line, in tokens.</summary>
    public int LineStride, PositionStride;
    public int HeadWidth, TotalLines;

    /// <summary>Of a tile: lines, positions in each, keys, and a thread's distance from one to its next.</summary>
    public int TileLines, TilePositions, TileKeys;
    public Divisor Across, ThreadsOfLine;
    public int Down;

    /// <summary>Tiles along the positions.</summary>
    public Divisor TilesOfPositions;
}

/// <summary>
/// What decomposed relative positions add to the logits, by row and by column of the keys (see <see
/// cref="RelativePositions"/>), for a query at (y, x):
/// <code>
///   Rh[query, ky] = q . Height[y - ky + GridHeight - 1]        Rw[query, kx] = q . Width[x - kx + GridWidth - 1]
/// </code>
/// All queries of a row of the grid meet the same GridHeight rows of the table of heights, and all of a column the same
/// of the other's: each is a small matrix product a line, in float32, 8 x 8 sums a thread.
/// <code>
///   FLOP 2 HeadWidth (GridHeight + GridWidth) a query: 0.8 G for 12 heads of 64 on 64 x 64, 1/64 of the attention
///   bytes 4 (2 HeadWidth + GridHeight + GridWidth) a query
///   4 components: 16 loads of 16 bytes, 256 multiply-adds        a warp: 64 clocks of shared memory, 64 of FMA
/// </code>
/// Small grids share a block, so that a window's 14 tokens a line do not leave it empty. Where queries are packed in
/// bfloat16 there is <see cref="PackedRelativeLogits"/>.
/// </summary>
static unsafe class RelativeLogits
{
    const int PerThread = 8, LargestTile = 64, MostPositions = 512, MostTableRows = 2 * LargestTile;

    /// <summary>Components at a time, and the bytes of a row of them: eight rows begin at different banks.</summary>
    const int Components = 8;
    const uint RowBytes = 48, TableAt = (MostPositions + PerThread) * RowBytes;

    static readonly Kernel<RelativeLogitsArguments> Kernel = new("attention_relative_logits", Run)
    {
        Threads = 128,
        SharedBytes = (int)TableAt + MostTableRows * (int)RowBytes,
    };

    /// <summary>
    /// Rh [Batch, Heads, Queries, GridHeight] and Rw [Batch, Heads, Queries, GridWidth] in scratch memory, to be
    /// released after the launches that read them; null where there are no relative positions.
    /// </summary>
    public static (DeviceBuffer? Height, DeviceBuffer? Width) Compute(
        GpuDevice gpu, AttentionShape shape, Tokens q, RelativePositions positions)
    {
        if (positions.IsNone) return (null, null);
        var rows = new RelativeLogitsArguments { LineStride = shape.GridWidth, PositionStride = 1 };
        var columns = new RelativeLogitsArguments { LineStride = 1, PositionStride = shape.GridWidth };
        return (
            Launch(gpu, shape, q, rows, positions.Height, shape.GridHeight, shape.GridWidth),
            Launch(gpu, shape, q, columns, positions.Width, shape.GridWidth, shape.GridHeight));
    }

    static DeviceBuffer Launch(
        GpuDevice gpu, AttentionShape shape, Tokens q, RelativeLogitsArguments arguments, View table, int keys,
        int positions)
    {
        long queries = (long)shape.Batch * shape.Heads * shape.Queries;
        DeviceBuffer logits = gpu.Allocate(DType.Float32, queries * keys);
        if (queries == 0) return logits;
        int tilePositions = Math.Min(positions, LargestTile), tileKeys = Math.Min(keys, LargestTile);
        int down = Parts(tilePositions, PerThread), across = Parts(tileKeys, PerThread);
        int total = checked(shape.Batch * shape.Heads * keys);
        int lines = 2 * keys - 1 > MostTableRows
            ? 1
            : Math.Min(Math.Min(gpu.BlockSize(Kernel) / (down * across), MostPositions / tilePositions), total);
        int tilesOfPositions = Parts(positions, tilePositions);
        gpu.Launch(
            Kernel,
            arguments with
            {
                Q = new TokenRows(q),
                Table = table.Address,
                Logits = logits.Address,
                Keys = new Divisor(keys),
                Positions = new Divisor(positions),
                Heads = new Divisor(shape.Heads),
                Windows = new WindowGrid(shape),
                HeadWidth = shape.HeadWidth,
                TotalLines = total,
                TileLines = lines,
                TilePositions = tilePositions,
                TileKeys = tileKeys,
                Across = new Divisor(across),
                ThreadsOfLine = new Divisor(down * across),
                Down = down,
                TilesOfPositions = new Divisor(tilesOfPositions),
            },
            Parts(total, lines), checked(tilesOfPositions * Parts(keys, tileKeys)));
        return logits;
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;

    /// <summary>
    /// A thread's sums are those of positions p, p + Down, .. and keys n, n + Across, ..: neighbouring threads read
    /// neighbouring rows of the table. Rows behind a line's or the table's end are read, but their sums not stored.
    /// </summary>
    static void Run(RelativeLogitsArguments a)
    {
        var shared = SharedBytes.Dynamic();
        ArrayView<long> sources = SharedMemory.Allocate<long>(MostPositions);
        int thread = Group.IdxX, threads = Group.DimX;
        int keyTile = Grid.IdxY / a.TilesOfPositions;
        int firstKey = keyTile * a.TileKeys;
        int firstPosition = (Grid.IdxY - keyTile * a.TilesOfPositions.Value) * a.TilePositions;
        int firstLine = Grid.IdxX * a.TileLines;

        int ownLine = thread / a.ThreadsOfLine, place = thread - ownLine * a.ThreadsOfLine.Value;
        if (ownLine >= a.TileLines) ownLine = a.TileLines - 1;
        int down = place / a.Across, across = place - down * a.Across.Value;
        int line = Ptx.Min(firstLine + ownLine, a.TotalLines - 1);
        int image = line / a.Keys, at = line - image * a.Keys.Value;

        int firstRow = 0, tableRows = 2 * a.Keys.Value - 1;
        if (a.TileLines == 1)
        {
            firstRow = at + a.Keys.Value - a.TileKeys - firstKey;
            tableRows = a.TileKeys;
        }
        int positions = a.TileLines * a.TilePositions;
        for (int i = thread; i < positions; i += threads) sources[i] = Source(a, firstLine, firstPosition, i);

        int row = ownLine * a.TilePositions + down, tableRow = at - firstKey - across + a.Keys.Value - 1 - firstRow;
        uint ofQuery = (uint)Ptx.Hold(row * (int)RowBytes), betweenQueries = (uint)a.Down * RowBytes;
        uint ofTable = (uint)Ptx.Hold((int)TableAt + tableRow * (int)RowBytes);
        uint betweenKeys = (uint)a.Across.Value * RowBytes;
        var sums = new Sums8x8();
        for (int first = 0; first < a.HeadWidth; first += Components)
        {
            Group.Barrier();
            for (int i = thread; i < positions * Components; i += threads)
            {
                int c = i % Components;
                float value = first + c < a.HeadWidth ? ((float*)sources[i / Components])[first + c] : 0;
                shared.Store((uint)(i / Components) * RowBytes + (uint)c * 4, value);
            }
            for (int i = thread; i < tableRows * Components; i += threads)
            {
                int c = i % Components, r = firstRow + i / Components;
                bool inside = first + c < a.HeadWidth && r >= 0 && r < 2 * a.Keys.Value - 1;
                float value = inside ? ((float*)a.Table)[r * a.HeadWidth + first + c] : 0;
                shared.Store(TableAt + (uint)(i / Components) * RowBytes + (uint)c * 4, value);
            }
            Group.Barrier();
            for (uint four = 0; four < Components * 4; four += 16)
                sums = Multiply(shared, sums, ofQuery + four, betweenQueries, ofTable + four, betweenKeys);
        }

        bool mine = thread / a.ThreadsOfLine < a.TileLines && firstLine + ownLine < a.TotalLines;
        if (!mine) return;
        Store(a, sums.R0, image, at, firstPosition, down, firstKey, across);
        Store(a, sums.R1, image, at, firstPosition, down + a.Down, firstKey, across);
        Store(a, sums.R2, image, at, firstPosition, down + 2 * a.Down, firstKey, across);
        Store(a, sums.R3, image, at, firstPosition, down + 3 * a.Down, firstKey, across);
        Store(a, sums.R4, image, at, firstPosition, down + 4 * a.Down, firstKey, across);
        Store(a, sums.R5, image, at, firstPosition, down + 5 * a.Down, firstKey, across);
        Store(a, sums.R6, image, at, firstPosition, down + 6 * a.Down, firstKey, across);
        Store(a, sums.R7, image, at, firstPosition, down + 7 * a.Down, firstKey, across);
    }

    /// <summary>The address of a query of the tile; where there is none, of another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Source(RelativeLogitsArguments a, int firstLine, int firstPosition, int i)
    {
        int ofTile = i / a.TilePositions;
        int line = Ptx.Min(firstLine + ofTile, a.TotalLines - 1), image = line / a.Keys;
        int position = Ptx.Min(firstPosition + i - ofTile * a.TilePositions, a.Positions.Value - 1);
        int token = (line - image * a.Keys.Value) * a.LineStride + position * a.PositionStride;
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        TokenWindow window = TokenWindow.Of(a.Windows, batch);
        long row = TokenRows.Row(a.Q, a.Windows, window, token, head * a.HeadWidth);
        return row != 0 ? row : TokenRows.Row(a.Q, a.Windows, window, 0, head * a.HeadWidth);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums8x8 Multiply(
        SharedBytes shared, Sums8x8 sums, uint query, uint betweenQueries, uint table, uint betweenKeys)
    {
        var rows = new EightLines
        {
            L0 = shared.Load4(table),
            L1 = shared.Load4(table - betweenKeys),
            L2 = shared.Load4(table - 2 * betweenKeys),
            L3 = shared.Load4(table - 3 * betweenKeys),
            L4 = shared.Load4(table - 4 * betweenKeys),
            L5 = shared.Load4(table - 5 * betweenKeys),
            L6 = shared.Load4(table - 6 * betweenKeys),
            L7 = shared.Load4(table - 7 * betweenKeys),
        };
        return new Sums8x8
        {
            R0 = EightSums.Multiply(sums.R0, shared.Load4(query), rows),
            R1 = EightSums.Multiply(sums.R1, shared.Load4(query + betweenQueries), rows),
            R2 = EightSums.Multiply(sums.R2, shared.Load4(query + 2 * betweenQueries), rows),
            R3 = EightSums.Multiply(sums.R3, shared.Load4(query + 3 * betweenQueries), rows),
            R4 = EightSums.Multiply(sums.R4, shared.Load4(query + 4 * betweenQueries), rows),
            R5 = EightSums.Multiply(sums.R5, shared.Load4(query + 5 * betweenQueries), rows),
            R6 = EightSums.Multiply(sums.R6, shared.Load4(query + 6 * betweenQueries), rows),
            R7 = EightSums.Multiply(sums.R7, shared.Load4(query + 7 * betweenQueries), rows),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(
        RelativeLogitsArguments a, EightSums sums, int image, int line, int firstPosition, int ofTile, int firstKey,
        int across)
    {
        int position = firstPosition + ofTile, keys = a.Keys.Value;
        if (ofTile >= a.TilePositions || position >= a.Positions.Value) return;
        long query = (long)image * keys * a.Positions.Value + line * a.LineStride + position * a.PositionStride;
        float* logits = (float*)a.Logits + query * keys;
        int end = Ptx.Min(keys, firstKey + a.TileKeys), key = firstKey + across, step = a.Across.Value;
        if (key < end) logits[key] = sums.X0;
        if (key + step < end) logits[key + step] = sums.X1;
        if (key + 2 * step < end) logits[key + 2 * step] = sums.X2;
        if (key + 3 * step < end) logits[key + 3 * step] = sums.X3;
        if (key + 4 * step < end) logits[key + 4 * step] = sums.X4;
        if (key + 5 * step < end) logits[key + 5 * step] = sums.X5;
        if (key + 6 * step < end) logits[key + 6 * step] = sums.X6;
        if (key + 7 * step < end) logits[key + 7 * step] = sums.X7;
    }
}
