using System.Numerics;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// How a reduction of <c>x [Outer, Middle, Inner]</c> over Middle is cut. An item is a chunk of rows and a tile of
/// columns of one outer index; the chunks of a column are combined in order. Where Inner is short, RowsPerLine rows
/// next to each other are read as one line of Inner * RowsPerLine columns, a multiple of <see cref="LineUnit"/>, and
/// folded at the end. All of it follows from the sizes alone.
/// </summary>
readonly record struct ReductionSplit
{
    /// <summary>Columns of a tile at most: its scratch memory stays in the first two levels of cache.</summary>
    public const int TileColumns = 2048;

    const int LineUnit = 64, ShortInner = 32, ElementsPerChunk = 1 << 16, FewestRowsPerChunk = 128;

    public ReductionSplit(long outer, long middle, long inner)
    {
        (Outer, Middle, Inner) = (outer, middle, inner);
        RowsPerLine = inner > ShortInner ? 1 : LineUnit / (int)BigInteger.GreatestCommonDivisor(LineUnit, inner);
        RowsPerChunk = Math.Max(FewestRowsPerChunk, ElementsPerChunk / Math.Min(inner, TileColumns));
        Chunks = Math.Max(1, (middle + RowsPerChunk - 1) / RowsPerChunk);
        Tiles = (inner + TileColumns - 1) / TileColumns;
    }

    public long Outer { get; }

    public long Middle { get; }

    public long Inner { get; }

    public int RowsPerLine { get; }

    public long RowsPerChunk { get; }

    public long Chunks { get; }

    public long Tiles { get; }

    public long Items => Outer * Chunks * Tiles;

    /// <summary>Items a thread takes at a time: enough to outweigh the call.</summary>
    public long Grain =>
        Math.Max(1, ElementsPerChunk / 4 / Math.Max(1, Math.Min(Middle, RowsPerChunk) * Math.Min(Inner, TileColumns)));

    public ReductionItem this[long index]
    {
        get
        {
            long tile = index % Tiles, chunk = index / Tiles % Chunks;
            long row = chunk * RowsPerChunk, column = tile * TileColumns;
            return new ReductionItem(
                index / Tiles / Chunks, chunk, row, Math.Min(RowsPerChunk, Middle - row), column,
                (int)Math.Min(TileColumns, Inner - column));
        }
    }
}

/// <summary>Rows [Row, Row + Rows) and columns [Column, Column + Columns) of one outer index.</summary>
readonly record struct ReductionItem(long Outer, long Chunk, long Row, long Rows, long Column, int Columns);
