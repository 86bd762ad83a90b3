using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Which tile of C a block makes. Blocks run roughly in the order of their numbers, so those that run together should
/// share rows of A and columns of B in L2: numbers go down groups of 8 tile rows, column by column.
/// </summary>
readonly struct TileOrder(int row, int column)
{
    const int Group = 8;

    public readonly int Row = row, Column = column;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TileOrder Of(int block, int tileRows, int tileColumns)
    {
        int group = block / (Group * tileColumns), first = group * Group;
        int rows = tileRows - first < Group ? tileRows - first : Group;
        int inside = block - first * tileColumns, column = inside / rows;
        return new TileOrder(first + inside - column * rows, column);
    }
}
