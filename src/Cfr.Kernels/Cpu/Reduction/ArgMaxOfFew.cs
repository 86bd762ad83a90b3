using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Arg-max over a short last axis, the classes of a voxel. Floats become integers of the same order (NaN the largest,
/// -0 = +0), and the larger one is chosen by arithmetic: labels near a boundary are no prey for a branch predictor.
/// </summary>
static unsafe class ArgMaxOfFew
{
    /// <summary>The longest axis for which this is the faster way.</summary>
    public const int Most = 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float* x, long rows, int classes, int* index)
    {
        for (long row = 0; row < rows; row++, x += classes)
        {
            long best = Key(x[0]), bestClass = 0;
            for (int c = 1; c < classes; c++)
            {
                long key = Key(x[c]), wins = best - key >> 63;
                best += key - best & wins;
                bestClass += c - bestClass & wins;
            }
            index[row] = (int)bestClass;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Key(float value)
    {
        int bits = Unsafe.BitCast<float, int>(value + 0f);
        long key = bits ^ bits >> 31 & int.MaxValue;
        long isNaN = 0x7f800000L - (bits & int.MaxValue) >> 63;
        return key + (int.MaxValue - key & isNaN);
    }
}
