using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="PackedRelativeLogits"/>.</summary>
struct PackedLogitsArguments
{
    /// <summary>Packed queries (<see cref="AttentionPack"/>), tables [2 Keys - 1, HeadWidth] and logits.</summary>
    public long Q, Height, Width, Rh, Rw;

    /// <summary>What undoes the factor of the queries.</summary>
    public float Factor;
    public int Queries, HeadWidth, GridHeight;
    public Divisor GridWidth;

    /// <summary>Tiles of 16 queries, of all heads and of one.</summary>
    public int Tiles;
    public Divisor TilesOfImage;

    /// <summary>Parts of the table of heights; the grid's y counts these, then those of the table of widths.</summary>
    public int HeightParts;

    /// <summary>
    /// Whether the queries' chunks are in their order, and whether the tables' rows are runs of 16 bytes: 1 or 0.
    /// </summary>
    public int InOrder, Packets;
}

/// <summary>
/// <see cref="RelativeLogits"/> on tensor cores, from packed bfloat16 queries and tables rounded to bfloat16: products
/// of 16 queries and 16 rows of a table, of which only the band is made and stored that the queries meet:
/// <code>
///   P[query, r] = q . Height[r]        Rh[query, y + GridHeight - 1 - r] = P[query, r]        Rw alike
/// </code>
/// A block keeps up to 128 rows of a table in shared memory, as <see cref="PackedRows"/>; its warps take 16 queries at a
/// time. Sums are float32.
/// <code>
///   FLOP about 2 HeadWidth (GridHeight + GridWidth + 32) a query
///   bytes 4 HeadWidth + 4 (GridHeight + GridWidth) a query, and a table a block: 22 MB for 12 heads of 64 in 25 windows
///         of 14 x 14, 38 MB on 64 x 64
/// </code>
/// </summary>
static unsafe class PackedRelativeLogits
{
    const int PartRows = 128, TileQueries = 16, GroupRows = 16, ChunkBytes = 16, BlocksOfTable = 2;

    static readonly QueryWidths<Rows16, Quad> Widths = new();

    /// <summary>By the width of packed rows: 32, 64, 80 and 128.</summary>
    static readonly Kernel<PackedLogitsArguments>[] Kernels =
    [
        Of(Widths.Twice(Widths.Step)),
        Of(Widths.Twice(Widths.Twice(Widths.Step))),
        Of(Widths.Join(Widths.Twice(Widths.Twice(Widths.Step)), Widths.Step)),
        Of(Widths.Twice(Widths.Twice(Widths.Twice(Widths.Step)))),
    ];

    /// <summary>
    /// Rh [Batch, Heads, Queries, GridHeight] and Rw [Batch, Heads, Queries, GridWidth] in scratch memory, to be
    /// released after the launches that read them; null where there are no relative positions.
    /// </summary>
    /// <param name="gpu">The device.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">Packed queries, [Batch, Heads, Queries, width].</param>
    /// <param name="width">Elements of a packed row.</param>
    /// <param name="factor">What they were multiplied by.</param>
    /// <param name="inOrder">Whether chunks of a row are in their order.</param>
    /// <param name="positions">The tables.</param>
    public static (DeviceBuffer? Height, DeviceBuffer? Width) Compute(
        GpuDevice gpu, AttentionShape shape, nint q, int width, float factor, bool inOrder, RelativePositions positions)
    {
        if (positions.IsNone) return (null, null);
        int images = shape.Batch * shape.Heads, tilesOfImage = Parts(shape.Queries, TileQueries);
        long queries = (long)images * shape.Queries;
        DeviceBuffer rh = gpu.Allocate(DType.Float32, queries * shape.GridHeight);
        DeviceBuffer rw = gpu.Allocate(DType.Float32, queries * shape.GridWidth);
        if (queries == 0) return (rh, rw);
        Kernel<PackedLogitsArguments> kernel = Kernels.First(one => one.SharedBytes == PartRows * width * sizeof(ushort));
        int tiles = checked(images * tilesOfImage), warps = gpu.BlockSize(kernel) / BlockReduce.WarpSize;
        int heightParts = Parts(2 * shape.GridHeight - 1, PartRows), widthParts = Parts(2 * shape.GridWidth - 1, PartRows);
        bool hasPackets = shape.HeadWidth % 4 == 0
            && (positions.Height.Address | positions.Width.Address) % ChunkBytes == 0;
        gpu.Launch(
            kernel,
            new PackedLogitsArguments
            {
                Q = q,
                Height = positions.Height.Address,
                Width = positions.Width.Address,
                Rh = rh.Address,
                Rw = rw.Address,
                Factor = 1 / factor,
                Queries = shape.Queries,
                HeadWidth = shape.HeadWidth,
                GridHeight = shape.GridHeight,
                GridWidth = new Divisor(shape.GridWidth),
                Tiles = tiles,
                TilesOfImage = new Divisor(tilesOfImage),
                HeightParts = heightParts,
                InOrder = inOrder ? 1 : 0,
                Packets = hasPackets ? 1 : 0,
            },
            Math.Clamp(Parts(tiles, warps), 1, Math.Max(1, gpu.FullGrid * BlocksOfTable / 8)), heightParts + widthParts);
        return (rh, rw);
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;

    static Kernel<PackedLogitsArguments> Of<TQueries>(IQuerySteps<TQueries, Rows16, Quad> queries)
        where TQueries : unmanaged, IQuerySteps<TQueries, Rows16, Quad> =>
        new($"attention_relative_logits_bfloat16_{TQueries.Steps * 16}", Run<TQueries>)
        {
            Threads = 256,
            BlocksPerMultiprocessor = TQueries.Steps > 4 ? 3 : 4,
            SharedBytes = PartRows * TQueries.Steps * 32,
            TensorCores = true,
        };

    static void Run<TQueries>(PackedLogitsArguments a) where TQueries : unmanaged, IQuerySteps<TQueries, Rows16, Quad>
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, lane = thread & 31, warps = Group.DimX >> 5, rowBytes = TQueries.Steps * 32;
        bool ofHeight = Grid.IdxY < a.HeightParts;
        int keys = ofHeight ? a.GridHeight : a.GridWidth.Value;
        int firstRow = (ofHeight ? Grid.IdxY : Grid.IdxY - a.HeightParts) * PartRows;
        int rows = Ptx.Min(PartRows, 2 * keys - 1 - firstRow);
        LoadRows<TQueries>(shared, a, (ofHeight ? a.Height : a.Width) + (long)firstRow * a.HeadWidth * sizeof(float), rows);
        Group.Barrier();

        uint place = (uint)Ptx.Hold((int)PackedRows.Place((lane & 7) + (lane >> 4 << 3), lane >> 3 & 1, rowBytes));
        int turn = a.InOrder != 0 ? 0 : PackedRows.Turn(lane >> 2, rowBytes);
        float factor = Ptx.Hold(a.Factor);
        for (int tile = Grid.IdxX * warps + (thread >> 5); tile < a.Tiles; tile += Grid.DimX * warps)
        {
            int image = tile / a.TilesOfImage, first = (tile - image * a.TilesOfImage.Value) * TileQueries;
            int last = Ptx.Min(first + TileQueries, a.Queries) - 1;
            int firstLine = first / a.GridWidth, lastLine = last / a.GridWidth;
            if (!ofHeight)
            {
                bool inOneLine = firstLine == lastLine;
                lastLine = inOneLine ? last - lastLine * keys : keys - 1;
                firstLine = inOneLine ? first - firstLine * keys : 0;
            }
            int begin = Ptx.Max(firstLine - firstRow, 0) & -GroupRows, end = Ptx.Min(lastLine + keys - firstRow, rows);
            if (begin >= end) continue;

            int query = first + (lane >> 2);
            long row = (long)image * a.Queries + query;
            TQueries q = TQueries.Load(a.Q + row * rowBytes, lane, turn, rowBytes, a.Queries - query, 0);
            LogitRow upper = LogitRow.Of(a, ofHeight, keys, row, query, keys - 1 - firstRow - 2 * (lane & 3));
            LogitRow lower = LogitRow.Of(a, ofHeight, keys, row + 8, query + 8, keys - 1 - firstRow - 2 * (lane & 3));
            for (int r = begin; r < end; r += GroupRows)
            {
                Warp.Barrier(); // lanes store different numbers of logits; the products want them together
                Rows16 sums = TQueries.Multiply<BFloat16Factors>(
                    shared, default, q, (uint)(r * rowBytes), place, rowBytes, 0);
                LogitRow.Store(upper, r, factor, sums.C0.X, sums.C0.Y, sums.C1.X, sums.C1.Y);
                LogitRow.Store(lower, r, factor, sums.C0.Z, sums.C0.W, sums.C1.Z, sums.C1.W);
            }
        }
    }

    /// <summary>Rounds rows of a table, one chunk a thread at a time, with zeros behind the head's width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void LoadRows<TQueries>(SharedBytes shared, PackedLogitsArguments a, long table, int rows)
        where TQueries : unmanaged, IQuerySteps<TQueries, Rows16, Quad>
    {
        int chunks = TQueries.Steps * 2;
        for (int i = Group.IdxX; i < rows * chunks; i += Group.DimX)
        {
            int row = i / chunks, chunk = i - row * chunks, column = chunk * PackedBFloat16.PerChunk;
            long source = table + ((long)row * a.HeadWidth + column) * sizeof(float);
            Float4 low = Float32Tokens.Load(source, a.HeadWidth - column, a.Packets);
            Float4 high = Float32Tokens.Load(source + 16, a.HeadWidth - column - 4, a.Packets);
            shared.Store4(PackedRows.Place(row, chunk, TQueries.Steps * 32), PackedBFloat16.Chunk(low, high));
        }
    }

    /// <summary>Where a lane stores its part of a query's logits.</summary>
    struct LogitRow
    {
        /// <summary>The key of row 0 of the table's part, and where it lies; keys there are, none behind the last query.</summary>
        public int Key, Keys;
        public long At;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static LogitRow Of(PackedLogitsArguments a, bool ofHeight, int keys, long row, int query, int toKey)
        {
            int y = query / a.GridWidth;
            int key = toKey + (ofHeight ? y : query - y * a.GridWidth.Value);
            return new LogitRow
            {
                Key = Ptx.Hold(key),
                Keys = Ptx.Hold(query < a.Queries ? keys : 0),
                At = Ptx.Hold((ofHeight ? a.Rh : a.Rw) + (row * keys + key) * sizeof(float)),
            };
        }

        /// <summary>Of rows r, r + 1, r + 8 and r + 9: neighbouring rows of the table are neighbouring keys, in reverse.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(LogitRow row, int r, float factor, float first, float second, float third, float fourth)
        {
            int key = row.Key - r;
            // Addresses, for the index of a pointer is an unsigned number to ILGPU.
            long at = row.At - (long)r * sizeof(float);
            if ((uint)key < (uint)row.Keys) *(float*)at = first * factor;
            if ((uint)(key - 1) < (uint)row.Keys) *(float*)(at - sizeof(float)) = second * factor;
            if ((uint)(key - 8) < (uint)row.Keys) *(float*)(at - 8 * sizeof(float)) = third * factor;
            if ((uint)(key - 9) < (uint)row.Keys) *(float*)(at - 9 * sizeof(float)) = fourth * factor;
        }
    }
}
