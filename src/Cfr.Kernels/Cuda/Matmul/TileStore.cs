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
        int packets = tile.Columns / FourLanes.Width;
        int first = Group.IdxX >> Tile.Log2(packets), column = (Group.IdxX & packets - 1) * FourLanes.Width;
        if (column >= tile.ColumnsLeft) return;
        int rows = tile.Rows < tile.RowsLeft ? tile.Rows : tile.RowsLeft, between = tile.Threads >> Tile.Log2(packets);
        long at = tile.At + first * tile.RowC + column, further = between * tile.RowC;
        for (int row = first; row < rows; row += between, at += further)
        {
            var sum = new FourLanes(tile.Shared.Load4(Swizzle.Sums(row, column, tile.Columns * sizeof(float))));
            EpilogueOperands.Store<TEpilogue, FourLanes>(tile.Epilogue, at, tile.Column + column, sum);
        }
    }
}
