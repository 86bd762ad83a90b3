namespace Cfr.Kernels.Cpu;

/// <summary>
/// y = softmax(scale q k^T + relative positions) v, a tile of queries against a block of keys at a time
/// (FlashAttention, Dao 2022): the logits of a tile live in L2 and are never in memory.
/// <code>
///   for heads that fit into the workspace: pack k transposed (times scale) and v          in parallel
///     for tiles of 96 queries                                                             in parallel
///       for blocks of 288 keys:  S = q k^T + positions;  online softmax;  O = O factor + P v
/// </code>
/// 4 Queries Keys HeadWidth FLOP and one exponential per logit; bytes about 4 HeadWidth (2 Queries + 2 Keys (1 +
/// Queries / 96)) per head, the latter from L3. A row of the result depends on its own query alone, so the split is
/// free. Of windows, queries are the tokens inside the image.
/// </summary>
sealed unsafe class AttentionForward<V>(
    Threads threads, BufferPool pool, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativeLogits<V>? positions,
    Tokens y, View logSumExp) where V : struct, IVector<V>
{
    const long WorkspaceBytes = 8 << 20;

    readonly AttentionTiling<V> _tiling = new(shape);

    public void Run()
    {
        int heads = shape.Batch * shape.Heads;
        long packedFloats = (long)_tiling.PaddedKeys * shape.HeadWidth + (long)_tiling.PaddedWidth * shape.Keys;
        int headsAtOnce = (int)Math.Clamp(WorkspaceBytes / (packedFloats * sizeof(float)), 1, heads);
        int rounds = (heads + headsAtOnce - 1) / headsAtOnce;
        headsAtOnce = (heads + rounds - 1) / rounds;
        DeviceBuffer workspace = pool.Rent(headsAtOnce * packedFloats * sizeof(float));
        float* packed = (float*)workspace.Address;
        long gatheredFloats = shape.IsWindowed ? (long)shape.Keys * shape.HeadWidth : 0;
        using var scratch = new WorkerScratch(
            threads, pool, Math.Max(ScratchFloats, gatheredFloats) * sizeof(float));
        for (int first = 0; first < heads; first += headsAtOnce)
        {
            int firstHead = first, count = Math.Min(headsAtOnce, heads - first);
            threads.For(
                count, (i, worker) => PackHead(firstHead + i, packed + i * packedFloats, (float*)scratch[worker]));
            threads.For(count * _tiling.Tiles, (i, worker) => RunTile(
                firstHead + i / _tiling.Tiles, i % _tiling.Tiles, packed + i / _tiling.Tiles * packedFloats,
                (float*)scratch[worker]));
        }
        workspace.Release();
    }

    /// <summary>Of a tile: logits, result, products with the positions, query, maxima and sums.</summary>
    long ScratchFloats
    {
        get
        {
            long rows = AttentionTiling<V>.RoundUp(_tiling.QueriesPerTile, Microkernel<V>.Rows);
            int perRow = shape.HeadWidth + _tiling.KeysPerBlock + _tiling.PaddedWidth + (positions?.PaddedEntries ?? 0) + 2;
            return rows * perRow + 2 * Microkernel<V>.Columns;
        }
    }

    void PackHead(int head, float* packedKeys, float* scratch)
    {
        int columns = Microkernel<V>.Columns, width = shape.HeadWidth;
        float* packedValues = packedKeys + (long)_tiling.PaddedKeys * width;
        Lines keys = new TokenRows(k, shape, head).Lines(shape.Keys, width, scratch);
        Panels.PackAll(keys, shape.Keys, width, columns, packedKeys);
        TokenRows.Scale<V>(packedKeys, (long)_tiling.PaddedKeys * width, shape.Scale);
        Lines values = new TokenRows(v, shape, head).Lines(shape.Keys, width, scratch);
        Panels.PackAll(values.Across, width, shape.Keys, columns, packedValues);
    }

    void RunTile(int head, int tile, float* packedKeys, float* scratch)
    {
        int firstQuery = tile * _tiling.QueriesPerTile, width = shape.HeadWidth, block = _tiling.KeysPerBlock;
        var tokens = new TokenRows(q, shape, head);
        int queries = Math.Min(_tiling.QueriesPerTile, tokens.Window.Inside - firstQuery);
        if (queries <= 0) return;
        int rows = AttentionTiling<V>.RoundUp(queries, Microkernel<V>.Rows), columns = Microkernel<V>.Columns;
        int entries = positions?.PaddedEntries ?? 0, paddedWidth = _tiling.PaddedWidth;
        float* packedValues = packedKeys + (long)_tiling.PaddedKeys * width;

        float* logits = scratch, result = logits + rows * block + columns, g = result + rows * paddedWidth;
        float* query = g + rows * entries + columns, maxima = query + rows * width, sums = maxima + rows;

        tokens.Load(firstQuery, queries, width, query, rows, width);
        new Span<float>(maxima, rows).Fill(float.NegativeInfinity);
        new Span<float>(sums, rows).Clear();
        if (positions is not null)
            TileProduct<V>.Run(
                rows, entries, width, query, width, 1, positions.Panels, columns, (long)columns * width, g, entries, false);

        for (int firstKey = 0; firstKey < shape.Keys; firstKey += block)
        {
            int keys = Math.Min(block, shape.Keys - firstKey), length = AttentionTiling<V>.RoundUp(keys, columns);
            if (positions is not null)
                for (int row = 0; row < queries; row++)
                {
                    int token = tokens.Window.Token(firstQuery + row);
                    positions.Fill(g + row * entries, token, firstKey, keys, logits + row * block);
                }
            TileProduct<V>.Run(
                rows, length, width, query, width, 1, packedKeys + (long)firstKey * width, columns, (long)columns * width,
                logits, block, positions is not null);
            for (int row = 0; row < queries; row++)
            {
                float* x = logits + row * block;
                new Span<float>(x + keys, length - keys).Fill(float.NegativeInfinity);
                float factor = OnlineSoftmax<V>.Update(x, length, ref maxima[row], ref sums[row]);
                if (firstKey > 0 && factor != 1) TokenRows.Scale<V>(result + row * paddedWidth, paddedWidth, factor);
            }
            TileProduct<V>.Run(
                rows, paddedWidth, keys, logits, block, 1, packedValues + (long)firstKey * columns, columns,
                (long)columns * shape.Keys, result, paddedWidth, firstKey > 0);
        }

        var target = new TokenRows(y, shape, head);
        for (int row = 0; row < queries; row++)
        {
            int token = tokens.Window.Token(firstQuery + row);
            TokenRows.StoreScaled<V>(result + row * paddedWidth, 1 / sums[row], width, target[token]);
            if (!logSumExp.IsNone)
                logSumExp.Floats[(long)head * shape.Queries + token] = maxima[row] + MathF.Log(sums[row]);
        }
    }
}
