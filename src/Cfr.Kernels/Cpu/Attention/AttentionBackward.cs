using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Gradients of <see cref="AttentionForward{V}"/>, with the probabilities P = e^(S - logSumExp) computed again:
/// <code>
///   D = row sums of dy * y          dP = dy v^T             dS = P * (dP - D)
///   dv = P^T dy                     dk = scale dS^T q       dq = scale dS k + dg R         dR = dg^T q
/// </code>
/// with g = R q the products with the relative positions and dg the sums of dS along the other axis of the grid.
/// A piece is a head, or, where there are few heads, a head and a range of its keys. It walks over tiles of queries and
/// blocks of keys in a fixed order and owns its dk, dv and its partial dq and dR, which are added up in the order of
/// the pieces. 10 Queries Keys HeadWidth FLOP and one exponential per logit.
/// </summary>
sealed unsafe class AttentionBackward<V>(
    Threads threads, BufferPool pool, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativeLogits<V>? positions,
    Tokens y, View logSumExp, Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    where V : struct, IVector<V>
{
    const long WorkspaceBytes = 32 << 20;
    const int HeadsThatNeedNoRanges = 16;
    const int BlocksPerRange = 4;
    const int RowsPerPiece = 256;

    readonly AttentionTiling<V> _tiling = new(shape);
    readonly int _heads = shape.Batch * shape.Heads;
    readonly int _entries = positions?.Entries ?? 0;
    readonly int _paddedEntries = positions?.PaddedEntries ?? 0;
    readonly OutsideSums? _outside = OutsideSums.Of(shape, dk, dv);

    int KeysPerRange => _heads >= HeadsThatNeedNoRanges
        ? AttentionTiling<V>.RoundUp(shape.Keys, _tiling.KeysPerBlock)
        : BlocksPerRange * _tiling.KeysPerBlock;

    int Ranges => (shape.Keys + KeysPerRange - 1) / KeysPerRange;

    int PaddedQueries => _tiling.Tiles * _tiling.QueriesPerTile;

    /// <summary>k and v transposed, and k by rows.</summary>
    long PackedFloats => 2L * _tiling.PaddedKeys * shape.HeadWidth + (long)_tiling.PaddedWidth * shape.Keys;

    long QueryGradientFloats => (long)PaddedQueries * _tiling.PaddedWidth;

    long TableGradientFloats => (long)AttentionTiling<V>.RoundUp(_entries, Microkernel<V>.Rows) * _tiling.PaddedWidth;

    long OutsideFloats => _outside?.Floats ?? 0;

    public void Run()
    {
        long floatsPerHead = PackedFloats + Ranges * (QueryGradientFloats + TableGradientFloats + OutsideFloats);
        int headsAtOnce = (int)Math.Clamp(WorkspaceBytes / (floatsPerHead * sizeof(float)), 1, Math.Max(1, _heads));
        int rounds = (_heads + headsAtOnce - 1) / headsAtOnce;
        if (rounds > 0) headsAtOnce = (_heads + rounds - 1) / rounds;
        DeviceBuffer workspace = pool.Rent((headsAtOnce * floatsPerHead + TableGradientFloats) * sizeof(float));
        float* packed = (float*)workspace.Address;
        float* dQueries = packed + headsAtOnce * PackedFloats;
        float* dTables = dQueries + headsAtOnce * Ranges * QueryGradientFloats;
        float* ofOutside = dTables + headsAtOnce * Ranges * TableGradientFloats;
        float* dTablesSum = ofOutside + headsAtOnce * Ranges * OutsideFloats;
        new Span<float>(dTablesSum, (int)TableGradientFloats).Clear();
        _outside?.Clear();
        int keysOfRange = AttentionTiling<V>.RoundUp(Math.Min(KeysPerRange, shape.Keys), Microkernel<V>.Rows);
        long pieceFloats = 2L * keysOfRange * _tiling.PaddedWidth + TileScratch.Floats(_tiling, _paddedEntries);
        long gatheredFloats = shape.IsWindowed ? (long)shape.Keys * shape.HeadWidth : 0;
        using var scratch = new WorkerScratch(threads, pool, Math.Max(pieceFloats, gatheredFloats) * sizeof(float));

        for (int first = 0; first < _heads; first += headsAtOnce)
        {
            int firstHead = first, count = Math.Min(headsAtOnce, _heads - first);
            threads.For(
                count, (i, worker) => PackHead(firstHead + i, packed + i * PackedFloats, (float*)scratch[worker]));
            threads.For(count * Ranges, (piece, worker) => RunRange(
                firstHead + piece / Ranges, piece % Ranges, packed + piece / Ranges * PackedFloats,
                dQueries + piece * QueryGradientFloats, dTables + piece * TableGradientFloats,
                ofOutside + piece * OutsideFloats, (float*)scratch[worker]));
            AddUpQueries(firstHead, count, dQueries);
            for (int piece = 0; piece < count * Ranges; piece++)
            {
                Add(dTables + piece * TableGradientFloats, dTablesSum, (int)TableGradientFloats);
                _outside?.AddUp(firstHead + piece / Ranges, ofOutside + piece * OutsideFloats);
            }
        }
        StoreTables(dTablesSum);
        workspace.Release();
    }

    void PackHead(int head, float* packed, float* scratch)
    {
        int columns = Microkernel<V>.Columns, width = shape.HeadWidth;
        long transposed = (long)_tiling.PaddedKeys * width;
        Lines values = new TokenRows(v, shape, head).Lines(shape.Keys, width, scratch);
        Panels.PackAll(values, shape.Keys, width, columns, packed + transposed);
        Lines keys = new TokenRows(k, shape, head).Lines(shape.Keys, width, scratch);
        Panels.PackAll(keys, shape.Keys, width, columns, packed);
        TokenRows.Scale<V>(packed, transposed, shape.Scale);
        float* rows = packed + 2 * transposed;
        Panels.PackAll(keys.Across, width, shape.Keys, columns, rows);
        TokenRows.Scale<V>(rows, (long)_tiling.PaddedWidth * shape.Keys, shape.Scale);
    }

    void RunRange(
        int head, int range, float* packed, float* dQueries, float* dTables, float* ofOutside, float* memory)
    {
        int firstKey = range * KeysPerRange, keys = Math.Min(KeysPerRange, shape.Keys - firstKey);
        int paddedKeys = AttentionTiling<V>.RoundUp(keys, Microkernel<V>.Rows), padded = _tiling.PaddedWidth;
        float* dKeys = memory, dValues = dKeys + (long)paddedKeys * padded;
        var scratch = new TileScratch(dValues + (long)paddedKeys * padded, _tiling, _paddedEntries);
        for (int tile = 0; tile < _tiling.Tiles; tile++)
            RunTile(
                head, tile, firstKey, keys, packed, scratch, dKeys, dValues,
                dQueries + (long)tile * _tiling.QueriesPerTile * padded, dTables);

        TokenRows toKeys = new(dk with { Outside = default }, shape, head);
        TokenRows toValues = new(dv with { Outside = default }, shape, head);
        new Span<float>(ofOutside, (int)OutsideFloats).Clear();
        for (int row = 0; row < keys; row++)
        {
            float* dKey = dKeys + (long)row * padded, dValue = dValues + (long)row * padded;
            float* toKey = toKeys[firstKey + row], toValue = toValues[firstKey + row];
            if (toKey is null)
            {
                _outside?.Add(ofOutside, dKey, dValue);
                continue;
            }
            TokenRows.StoreScaled<V>(dKey, shape.Scale, shape.HeadWidth, toKey);
            TokenRows.StoreScaled<V>(dValue, 1, shape.HeadWidth, toValue);
        }
    }

    /// <summary>Scratch memory of a piece, for one tile of queries.</summary>
    readonly struct TileScratch
    {
        public TileScratch(float* memory, AttentionTiling<V> tiling, int entries)
        {
            var (rows, logits, tokens, products) = Sizes(tiling, entries);
            P = memory;
            DS = P + logits;
            Query = DS + logits;
            DY = Query + tokens;
            G = DY + tokens;
            DG = G + products;
            LogSumExp = DG + products;
            D = LogSumExp + rows;
        }

        public readonly float* P, DS, Query, DY, G, DG, LogSumExp, D;

        public static long Floats(AttentionTiling<V> tiling, int entries)
        {
            var (rows, logits, tokens, products) = Sizes(tiling, entries);
            return 2 * (rows + logits + tokens + products);
        }

        static (long Rows, long Logits, long Tokens, long Products) Sizes(AttentionTiling<V> tiling, int entries)
        {
            long rows = tiling.QueriesPerTile, padding = Microkernel<V>.Columns;
            return (rows, rows * tiling.KeysPerBlock + padding, rows * tiling.PaddedWidth, rows * entries + padding);
        }
    }

    void RunTile(
        int head, int tile, int rangeStart, int rangeKeys, float* packed, TileScratch s, float* dKeys, float* dValues,
        float* dQuery, float* dTables)
    {
        int width = shape.HeadWidth, padded = _tiling.PaddedWidth, block = _tiling.KeysPerBlock;
        int columns = Microkernel<V>.Columns, firstQuery = tile * _tiling.QueriesPerTile;
        var window = new TokenWindow(shape, head / shape.Heads);
        int queries = Math.Min(_tiling.QueriesPerTile, window.Inside - firstQuery);
        if (queries <= 0) return;
        int rows = AttentionTiling<V>.RoundUp(queries, Microkernel<V>.Rows);
        float* packedValues = packed + (long)_tiling.PaddedKeys * width;
        float* keyRows = packedValues + (long)_tiling.PaddedKeys * width;
        LoadTile(head, firstQuery, queries, rows, s);

        for (int start = 0; start < rangeKeys; start += block)
        {
            int firstKey = rangeStart + start, keys = Math.Min(block, rangeKeys - start);
            int length = AttentionTiling<V>.RoundUp(keys, columns), keyTiles = AttentionTiling<V>.RoundUp(keys, Microkernel<V>.Rows);
            if (positions is not null)
                for (int row = 0; row < queries; row++)
                {
                    int token = window.Token(firstQuery + row);
                    positions.Fill(s.G + row * _paddedEntries, token, firstKey, keys, s.P + row * block);
                }
            TileProduct<V>.Run(
                rows, length, width, s.Query, padded, 1, packed + (long)firstKey * width, columns, (long)columns * width,
                s.P, block, positions is not null);
            TileProduct<V>.Run(
                rows, length, width, s.DY, padded, 1, packedValues + (long)firstKey * width, columns,
                (long)columns * width, s.DS, block, false);
            for (int row = 0; row < queries; row++)
            {
                float* p = s.P + row * block, ds = s.DS + row * block;
                new Span<float>(p + keys, length - keys).Fill(float.NegativeInfinity);
                OnlineSoftmax<V>.Exponentials(p, length, s.LogSumExp[row]);
                LogitGradient(p, ds, length, s.D[row]);
                positions?.AddGradient(
                    ds, window.Token(firstQuery + row), firstKey, keys, s.DG + row * _paddedEntries);
            }
            bool add = tile > 0;
            TileProduct<V>.Run(
                keyTiles, padded, queries, s.P, 1, block, s.DY, padded, columns, dValues + (long)start * padded, padded, add);
            TileProduct<V>.Run(
                keyTiles, padded, queries, s.DS, 1, block, s.Query, padded, columns, dKeys + (long)start * padded, padded, add);
            TileProduct<V>.Run(
                rows, padded, keys, s.DS, block, 1, keyRows + (long)firstKey * columns, columns,
                (long)columns * shape.Keys, dQuery, padded, start > 0);
        }
        if (positions is null) return;
        TileProduct<V>.Run(
            rows, padded, _entries, s.DG, _paddedEntries, 1, positions.RowPanels, columns, (long)columns * _entries,
            dQuery, padded, true);
        if (dPositions.Height.IsNone && dPositions.Width.IsNone) return;
        TileProduct<V>.Run(
            _entries, padded, queries, s.DG, 1, _paddedEntries, s.Query, padded, columns, dTables, padded, tile > 0);
    }

    void LoadTile(int head, int firstQuery, int queries, int rows, TileScratch s)
    {
        int width = shape.HeadWidth, padded = _tiling.PaddedWidth, columns = Microkernel<V>.Columns;
        TokenRows gradient = new(dy, shape, head), output = new(y, shape, head);
        new TokenRows(q, shape, head).Load(firstQuery, queries, width, s.Query, rows, padded);
        gradient.Load(firstQuery, queries, width, s.DY, rows, padded);
        for (int row = 0; row < queries; row++)
        {
            int token = gradient.Window.Token(firstQuery + row);
            s.D[row] = Dot(gradient[token], output[token], width);
            s.LogSumExp[row] = logSumExp.Floats[(long)head * shape.Queries + token];
        }
        if (positions is null) return;
        TileProduct<V>.Run(
            rows, _paddedEntries, width, s.Query, padded, 1, positions.Panels, columns, (long)columns * width, s.G,
            _paddedEntries, false);
        new Span<float>(s.DG, rows * _paddedEntries + columns).Clear();
    }

    /// <summary>dS = P (dP - D), in the place of dP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void LogitGradient(float* p, float* dp, int length, float d)
    {
        for (int j = 0; j < length; j += V.Width)
            (V.Load(p + j) * (V.Load(dp + j) - V.Splat(d))).Store(dp + j);
    }

    static float Dot(float* a, float* b, int count)
    {
        V sums = V.Splat(0);
        int j = 0;
        for (; j + V.Width <= count; j += V.Width) sums = V.MultiplyAdd(V.Load(a + j), V.Load(b + j), sums);
        float sum = V.Sum(sums);
        for (; j < count; j++) sum += a[j] * b[j];
        return sum;
    }

    static void Add(float* from, float* to, int count)
    {
        for (int j = 0; j < count; j++) to[j] += from[j];
    }

    /// <summary>dq = the sum over ranges of keys, in their order.</summary>
    void AddUpQueries(int firstHead, int heads, float* dQueries)
    {
        int padded = _tiling.PaddedWidth, pieces = (shape.Queries + RowsPerPiece - 1) / RowsPerPiece;
        threads.For(heads * pieces, piece =>
        {
            int head = piece / pieces, first = piece % pieces * RowsPerPiece;
            var target = new TokenRows(dq, shape, firstHead + head);
            float* partial = dQueries + (long)head * Ranges * QueryGradientFloats;
            for (int row = first; row < Math.Min(target.Window.Inside, first + RowsPerPiece); row++)
            {
                float* sum = partial + (long)row * padded;
                for (int range = 1; range < Ranges; range++) Add(sum + range * QueryGradientFloats, sum, padded);
                TokenRows.StoreScaled<V>(sum, 1, shape.HeadWidth, target[target.Window.Token(row)]);
            }
        });
    }

    void StoreTables(float* sum)
    {
        int height = 2 * shape.GridHeight - 1, width = 2 * shape.GridWidth - 1;
        if (!dPositions.Height.IsNone) StoreReversed(sum, height, dPositions.Height.Floats);
        if (!dPositions.Width.IsNone) StoreReversed(sum + (long)height * _tiling.PaddedWidth, width, dPositions.Width.Floats);
    }

    void StoreReversed(float* from, int rows, float* to)
    {
        for (int row = 0; row < rows; row++)
            TokenRows.StoreScaled<V>(
                from + (long)(rows - 1 - row) * _tiling.PaddedWidth, 1, shape.HeadWidth, to + (long)row * shape.HeadWidth);
    }
}
