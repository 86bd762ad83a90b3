using System.Numerics;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Rows of columns shared out to threads without a division along the row: 2^LanesLog2 neighbouring threads take a piece
/// of a row, up to <see cref="PerLane"/> columns each.
/// <code>
/// 5 columns, 8 lanes, 2 rows:   0 1 2 3 4 . . . | 0 1 2 3 4 . . .      threads 0 to 15
/// 70 columns, 32 lanes:         lane l has l, l + 32, l + 64
/// </code>
/// </summary>
struct RowPieces
{
    /// <summary>Columns of a piece that a lane loads before it stores the first.</summary>
    public const int PerLane = 4;

    const int MostLanes = 32;

    /// <summary>Pieces of all rows.</summary>
    public int Items;
    public int LanesLog2;

    /// <summary>Pieces of one row.</summary>
    public Divisor Pieces;
    public int Columns;

    public RowPieces(long rows, int columns)
    {
        int lanes = (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)columns), MostLanes);
        int pieces = (columns + PerLane * lanes - 1) / (PerLane * lanes);
        Items = checked((int)(rows * pieces));
        LanesLog2 = BitOperations.Log2((uint)lanes);
        Pieces = new Divisor(pieces);
        Columns = columns;
    }

    /// <summary>How many threads have something to do.</summary>
    public readonly long Threads => (long)Items << LanesLog2;
}
