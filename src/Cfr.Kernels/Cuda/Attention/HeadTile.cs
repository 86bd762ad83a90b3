using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Tiles of rows of one head in shared memory. A row has <c>16 Blocks</c> elements; its 16-byte chunks are permuted by
/// the number of the row in the tile, as those of <see cref="PackedRows"/> are by that of the token. In global memory
/// they lie in their order: a tile of keys is put together from strips of a grid, which begin anywhere.
/// </summary>
static class HeadTile
{
    /// <summary>Threads of a block: four warps.</summary>
    public const int Threads = 128;

    /// <summary>Rows that a warp owns, and lines that it takes of a tile at once.</summary>
    public const int Strip = 16;

    /// <summary>Rows that a block owns.</summary>
    public const int OwnRows = Threads / BlockReduce.WarpSize * Strip;

    /// <summary>Rows of a tile that is fetched: 64 of bfloat16, 32 of TF32, the same bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rows(int elementBytes) => Threads / elementBytes;

    /// <summary>Bytes of such a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bytes(int blocks) => Threads * Strip * blocks;
}

/// <summary>Where a lane reads in a block of rows: its row, and its chunk of the first columns.</summary>
struct LanePlace
{
    public uint Row, Chunk;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LanePlace(int row, int chunk, int rowBytes)
    {
        Row = (uint)Ptx.Hold(row * rowBytes);
        Chunk = (uint)Ptx.Hold((chunk ^ PackedRows.Turn(row, rowBytes)) << 4);
    }

    /// <summary>The place this many bytes of columns further on, a multiple of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint At(LanePlace place, int further) => place.Row + (place.Chunk ^ (uint)further);

    /// <summary>Of <c>ldmatrix</c> for 16 rows as A: both halves of the rows, then further along them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlace OfRows(int lane, int rowBytes) => new(lane & 15, lane >> 4, rowBytes);

    /// <summary>Of <c>ldmatrix</c> for 16 rows as the columns of B: further along 8 rows, then the other 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlace OfColumns(int lane, int rowBytes) =>
        new((lane & 7) + (lane >> 4 << 3), lane >> 3 & 1, rowBytes);
}

/// <summary>A thread's part in fetching tiles: <c>Blocks</c> chunks of one row, 16 bytes each.</summary>
struct TileCopy
{
    /// <summary>The row of the tile.</summary>
    public int Row;

    /// <summary>The first chunk in the row, in bytes.</summary>
    public int Source;

    public LanePlace Target;

    /// <summary>As many threads share a row as an element has bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TileCopy Of(int thread, int rowBytes, int elementBytes)
    {
        int row = thread >> Tile.Log2(elementBytes), chunk = thread & elementBytes - 1;
        return new TileCopy { Row = row, Source = chunk * 16, Target = new LanePlace(row, chunk, rowBytes) };
    }

    /// <summary>Starts the copies; the row is at this address, or is zeros where it is not inside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(
        SharedBytes shared, TileCopy copy, uint tile, long row, bool isInside, int blocks, int elementBytes)
    {
        int bytes = isInside ? 16 : 0;
        Chunk(shared, copy, tile, row, bytes, 0, elementBytes);
        if (blocks > 1) Chunk(shared, copy, tile, row, bytes, 1, elementBytes);
        if (blocks > 2) Chunk(shared, copy, tile, row, bytes, 2, elementBytes);
        if (blocks > 3) Chunk(shared, copy, tile, row, bytes, 3, elementBytes);
        if (blocks > 4) Chunk(shared, copy, tile, row, bytes, 4, elementBytes);
        if (blocks > 5) Chunk(shared, copy, tile, row, bytes, 5, elementBytes);
        if (blocks > 6) Chunk(shared, copy, tile, row, bytes, 6, elementBytes);
        if (blocks > 7) Chunk(shared, copy, tile, row, bytes, 7, elementBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Chunk(SharedBytes shared, TileCopy copy, uint tile, long row, int bytes, int i, int elementBytes)
    {
        int further = i * elementBytes * 16;
        Ptx.CopyAsync16(shared, tile + LanePlace.At(copy.Target, further), row + copy.Source + further, bytes);
    }
}
