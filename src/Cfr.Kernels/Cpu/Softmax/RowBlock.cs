using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A block of narrow rows, turned: <c>block[k, r] = rows[r, k]</c>, so that a vector holds value k of neighbouring rows
/// and sums along rows need no shuffles. Rows that are missing at the end are zeros.
/// </summary>
static unsafe class RowBlock
{
    public const int Rows = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(float* rows, int count, int width, float* block)
    {
        if (width == 2 && count == Rows)
        {
            GatherPairs(rows, block);
            return;
        }
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
        if (width == 2 && count == Rows)
        {
            ScatterPairs(block, rows);
            return;
        }
        for (int k = 0; k < width; k++)
        {
            float* source = block + k * Rows, target = rows + k;
            for (int r = 0; r < count; r++, target += width) *target = source[r];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void GatherPairs(float* rows, float* block)
    {
        for (int r = 0; r < Rows; r += 4)
        {
            Vector256<float> pairs = Vector256.Load(rows + 2 * r);
            Vector256<float> turned = Vector256.Shuffle(pairs, Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7));
            turned.GetLower().Store(block + r);
            turned.GetUpper().Store(block + Rows + r);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void ScatterPairs(float* block, float* rows)
    {
        for (int r = 0; r < Rows; r += 4)
        {
            Vector256<float> turned = Vector256.Create(Vector128.Load(block + r), Vector128.Load(block + Rows + r));
            Vector256.Shuffle(turned, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).Store(rows + 2 * r);
        }
    }
}
