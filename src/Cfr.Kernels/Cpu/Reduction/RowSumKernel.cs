using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Sums of contiguous rows. Eight vectors run along a block of a row and are added pairwise; the blocks are added in
/// double. So a float takes part in some ten additions, whatever the length of the row. Bound by memory.
/// </summary>
static unsafe class RowSumKernel<V> where V : struct, IVector<V>
{
    const int Block = 2048;

    /// <summary>totals[r] = sum of row r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float* x, long rows, long length, double* totals)
    {
        for (long row = 0; row < rows; row++, x += length)
        {
            double total = 0;
            long i = 0;
            if (length >= 8 * V.Width)
                for (; i < length; i += Block)
                    total += BlockSum(x + i, (int)Math.Min(Block, length - i));
            for (; i < length; i++) total += x[i];
            totals[row] = total;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static double BlockSum(float* x, int count)
    {
        V s0 = V.Splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        int i = 0;
        for (; i <= count - 8 * V.Width; i += 8 * V.Width)
        {
            s0 += V.Load(x + i);
            s1 += V.Load(x + i + V.Width);
            s2 += V.Load(x + i + 2 * V.Width);
            s3 += V.Load(x + i + 3 * V.Width);
            s4 += V.Load(x + i + 4 * V.Width);
            s5 += V.Load(x + i + 5 * V.Width);
            s6 += V.Load(x + i + 6 * V.Width);
            s7 += V.Load(x + i + 7 * V.Width);
        }
        for (; i <= count - V.Width; i += V.Width) s0 += V.Load(x + i);
        double sum = V.Sum(s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7)));
        for (; i < count; i++) sum += x[i];
        return sum;
    }
}
