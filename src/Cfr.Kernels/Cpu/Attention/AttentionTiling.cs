namespace Cfr.Kernels.Cpu;

/// <summary>
/// How an attention is cut into tiles of queries and blocks of keys. The sizes depend on the shape alone. Scratch
/// memory is padded to whole tiles of the micro-kernel, so that no product has an edge.
/// </summary>
readonly struct AttentionTiling<V> where V : struct, IVector<V>
{
    const int LargestQueryTile = 96;
    const int LargestKeyBlock = 288;

    public AttentionTiling(AttentionShape shape)
    {
        int rows = Microkernel<V>.Rows, columns = Microkernel<V>.Columns;
        QueriesPerTile = EvenParts(shape.Queries, LargestQueryTile, rows);
        KeysPerBlock = EvenParts(shape.Keys, LargestKeyBlock, rows * columns);
        PaddedWidth = RoundUp(shape.HeadWidth, columns);
        PaddedKeys = RoundUp(shape.Keys, columns);
        Tiles = (shape.Queries + QueriesPerTile - 1) / QueriesPerTile;
    }

    /// <summary>A multiple of the tile's rows.</summary>
    public int QueriesPerTile { get; }

    /// <summary>
    /// A multiple of the tile's rows and of its columns; the length of a row of logits in scratch memory.
    /// </summary>
    public int KeysPerBlock { get; }

    /// <summary>Head width, rounded up to whole tiles.</summary>
    public int PaddedWidth { get; }

    /// <summary>Keys, rounded up to whole tiles.</summary>
    public int PaddedKeys { get; }

    /// <summary>Tiles of queries.</summary>
    public int Tiles { get; }

    public static int RoundUp(int count, int unit) => (count + unit - 1) / unit * unit;

    static int EvenParts(int total, int largest, int unit)
    {
        int parts = Math.Max(1, (total + largest - 1) / largest);
        return Math.Max(unit, RoundUp((total + parts - 1) / parts, unit));
    }
}
