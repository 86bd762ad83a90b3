namespace Cfr.Kernels.Cpu;

/// <summary>
/// A product of operands that are in cache and padded to whole tiles: strips of B outside, so that a strip stays in L1
/// while the rows of A pass by.
/// </summary>
static unsafe class TileProduct<V> where V : struct, IVector<V>
{
    /// <summary>
    /// C (+)= A B. A and C as in <see cref="Microkernel{V}"/>; strip s of B begins at <c>b + s bStrip</c>. Rows and
    /// columns are rounded up to whole tiles.
    /// </summary>
    public static void Run(
        int rows, int columns, int steps, float* a, long aRow, long aStep, float* b, long bStep, long bStrip, float* c,
        long cRow, bool accumulate)
    {
        for (int column = 0; column < columns; column += Microkernel<V>.Columns, b += bStrip)
            for (int row = 0; row < rows; row += Microkernel<V>.Rows)
                Microkernel<V>.Run(steps, a + row * aRow, aRow, aStep, b, bStep, c + row * cRow + column, cRow, accumulate);
    }
}
