using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Takes a tile of sums from shared memory to C through an epilogue: neighbouring threads take neighbouring packets of
/// a row.
/// </summary>
struct TileStore : IEpilogueLoop<TileStore>
{
    public SharedBytes Shared;
    public EpilogueOperands Epilogue;

    /// <summary>Where the tile begins in C, and its column there, which the bias goes by.</summary>
    public long At, RowC;
    public int Column;

    /// <summary>Rows and columns of C from the tile's first on.</summary>
    public int RowsLeft, ColumnsLeft;
    public int Rows, Columns, Threads;

    public static void Run<TEpilogue>(TileStore tile) where TEpilogue : struct, IEpilogue
    {
        // As many columns at once as are a power of two: 192 are three times 64.
        int atOnce = tile.Columns & -tile.Columns, packets = atOnce / FourLanes.Width;
        int first = Group.IdxX >> Tile.Log2(packets), column = (Group.IdxX & packets - 1) * FourLanes.Width;
        int rows = tile.Rows < tile.RowsLeft ? tile.Rows : tile.RowsLeft, between = tile.Threads >> Tile.Log2(packets);
        long further = between * tile.RowC;
        for (; column < tile.Columns; column += atOnce)
        {
            if (column >= tile.ColumnsLeft) return;
            long at = tile.At + first * tile.RowC + column;
            for (int row = first; row < rows; row += between, at += further)
            {
                var sum = new FourLanes(tile.Shared.Load4(Swizzle.Sums(row, column, tile.Columns * sizeof(float))));
                EpilogueOperands.Store<TEpilogue, FourLanes>(tile.Epilogue, at, tile.Column + column, sum);
            }
        }
    }
}
