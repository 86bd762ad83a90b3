using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A block of narrow rows, turned: <c>block[k, r] = rows[r, k]</c>, so that a vector holds value k of neighbouring rows and
/// sums along rows need no shuffles. Rows that are missing at the end are zeros.
/// </summary>
static unsafe class RowBlock
{
    public const int Rows = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(float* rows, int count, int width, float* block)
    {
        for (int k = 0; k < width; k++)
        {
            float* source = rows + k, target = block + k * Rows;
            int r = 0;
            for (; r < count; r++, source += width) target[r] = *source;
            for (; r < Rows; r++) target[r] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* block, int count, int width, float* rows)
    {
        for (int k = 0; k < width; k++)
        {
            float* source = block + k * Rows, target = rows + k;
            for (int r = 0; r < count; r++, target += width) *target = source[r];
        }
    }
}
