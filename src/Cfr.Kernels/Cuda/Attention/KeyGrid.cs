using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Keys in strips of 16 neighbours of one row of the grid: all keys of a strip share Rh, and all strips of a segment of
/// 16 columns share Rw. Without relative positions the grid is one of 16 columns.
/// </summary>
struct KeyGrid(AttentionShape shape, bool hasPositions)
{
    public int Rows = hasPositions ? shape.GridHeight : Parts(shape.Keys, HeadTile.Strip);
    public int Columns = hasPositions ? shape.GridWidth : HeadTile.Strip;
    public int Keys = shape.Keys;

    /// <summary>Segments of 16 columns.</summary>
    public readonly int Segments => Parts(Columns, HeadTile.Strip);

    /// <summary>Strips of a tile of this many keys, and tiles of a segment.</summary>
    public readonly int TilesOfSegment(int keys) => Parts(Rows, keys / HeadTile.Strip);

    /// <summary>The token of a row and a column; -1 outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Token(KeyGrid grid, int row, int column)
    {
        int token = row * grid.Columns + column;
        return row < grid.Rows && column < grid.Columns && token < grid.Keys ? token : -1;
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
