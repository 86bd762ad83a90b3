using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="TransposeKernel"/>.</summary>
struct TransposeArguments
{
    public long Source, Target;

    /// <summary>Tiles in all, along the columns and along the rows.</summary>
    public int Tiles;
    public Divisor ColumnTiles, RowTiles;

    /// <summary>Columns lie side by side in the target, rows in the source.</summary>
    public int Columns, Rows, ColumnSource, RowTarget;
    public CopyAxes Axes;
}

/// <summary>
/// Planes of a box that are contiguous along one axis in the source and along another in the target, by tiles of 32 x 32
/// in shared memory, so that whole lines of 128 bytes are loaded and stored. Bound by memory: 8 bytes an element.
/// <code>
/// load:   lane l of warp w has (row l, column w)     shared word 33 w + l: 32 banks
/// store:  lane l of warp w has (row w, column l)     shared word 33 l + w: 32 banks
/// </code>
/// </summary>
static unsafe class TransposeKernel
{
    const int TileLog2 = 5;

    public const int Tile = 1 << TileLog2;

    const int Pitch = Tile + 1;

    public static void Run<W>(TransposeArguments a) where W : struct, IWrite
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(Tile * Pitch);
        int lane = Group.IdxX & Tile - 1, warp = Group.IdxX >> TileLog2, warps = Group.DimX >> TileLog2;
        for (int index = Grid.IdxX; index < a.Tiles; index += Grid.DimX)
        {
            int band = index / a.ColumnTiles, plane = band / a.RowTiles;
            int column = Tile * (index - band * a.ColumnTiles.Value), row = Tile * (band - plane * a.RowTiles.Value);
            CopyPlace place = CopyAxes.Place(a.Axes, plane);

            // What of the tile lies in the plane, seen from this lane.
            int columns = row + lane < a.Rows ? Ptx.Min(a.Columns - column, Tile) : 0;
            int rows = column + lane < a.Columns ? Ptx.Min(a.Rows - row, Tile) : 0;

            // Four loads are under way at once.
            long sourceStep = sizeof(float) * (long)a.ColumnSource;
            long source = a.Source + sizeof(float) * (place.Source + row + lane) + column * sourceStep;
            for (int i = warp; i < columns; i += 4 * warps)
            {
                float v0 = *(float*)(source + i * sourceStep), v1 = 0, v2 = 0, v3 = 0;
                if (i + warps < columns) v1 = *(float*)(source + (i + warps) * sourceStep);
                if (i + 2 * warps < columns) v2 = *(float*)(source + (i + 2 * warps) * sourceStep);
                if (i + 3 * warps < columns) v3 = *(float*)(source + (i + 3 * warps) * sourceStep);
                tile[Pitch * i + lane] = v0;
                if (i + warps < Tile) tile[Pitch * (i + warps) + lane] = v1;
                if (i + 2 * warps < Tile) tile[Pitch * (i + 2 * warps) + lane] = v2;
                if (i + 3 * warps < Tile) tile[Pitch * (i + 3 * warps) + lane] = v3;
            }
            Group.Barrier();

            long targetStep = sizeof(float) * (long)a.RowTarget;
            long target = a.Target + sizeof(float) * (place.Target + column + lane) + row * targetStep;
            for (int i = warp; i < rows; i += warps)
                W.Write(target + i * targetStep, new Float1(tile[Pitch * lane + i]));
            Group.Barrier();
        }
    }
}
