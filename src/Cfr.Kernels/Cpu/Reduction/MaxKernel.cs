using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Column maxima of a matrix and the first row in which each stands; the first NaN beats every number. Row numbers are
/// kept as floats beside the maxima: a chunk has fewer than 2^24 rows.
/// </summary>
static unsafe class MaxKernel<V> where V : struct, IVector<V>
{
    /// <summary>The arguments are those of <see cref="SumKernel{V}.Columns"/>; at least one row.</summary>
    [SkipLocalsInit, MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(
        float* x, long rows, int columns, long stride, int rowsPerLine, float* best, int* bestRow)
    {
        float* lineBest = stackalloc float[ReductionSplit.TileColumns];
        float* lineNumber = stackalloc float[ReductionSplit.TileColumns];
        int lineColumns = columns * rowsPerLine;
        long lines = rows / rowsPerLine;
        if (lines > 0) Lines(x, lines, lineColumns, rowsPerLine == 1 ? stride : lineColumns, lineBest, lineNumber);
        for (int column = 0; column < columns; column++)
        {
            bool none = true;
            (best[column], bestRow[column]) = (0, 0);
            for (int i = column; i < lineColumns && lines > 0; i += columns)
            {
                int row = (int)lineNumber[i] * rowsPerLine + i / columns;
                if (none || Beats(lineBest[i], row, best[column], bestRow[column]))
                    (best[column], bestRow[column], none) = (lineBest[i], row, false);
            }
            for (int row = (int)(lines * rowsPerLine); row < rows; row++)
            {
                float value = x[row * stride + column];
                if (none || Beats(value, row, best[column], bestRow[column]))
                    (best[column], bestRow[column], none) = (value, row, false);
            }
        }
    }

    /// <summary>Whether a value of row i comes before one of row j as the first largest.</summary>
    public static bool Beats(float a, long i, float b, long j)
    {
        if (float.IsNaN(a)) return !float.IsNaN(b) || i < j;
        return a > b || (a == b && i < j);
    }

    /// <summary>dx[i] = dy[i] where the winner of column i is this row, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* dy, int* winner, int row, float* dx, long columns)
    {
        Vector256<int> wanted = Vector256.Create(row);
        long i = 0;
        for (; i <= columns - Vector256<int>.Count; i += Vector256<int>.Count)
            (Vector256.Equals(Vector256.Load(winner + i), wanted).AsSingle() & Vector256.Load(dy + i)).Store(dx + i);
        for (; i < columns; i++) dx[i] = winner[i] == row ? dy[i] : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Lines(float* x, long rows, int columns, long stride, float* best, float* bestRow)
    {
        new ReadOnlySpan<float>(x, columns).CopyTo(new Span<float>(best, columns));
        new Span<float>(bestRow, columns).Clear();
        for (long row = 1; row < rows; row++)
        {
            float* values = x + row * stride;
            int i = 0;
            for (; i <= columns - V.Width; i += V.Width) Update<V>(values + i, row, best + i, bestRow + i);
            for (; i < columns; i++) Update<Lanes1>(values + i, row, best + i, bestRow + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Update<U>(float* values, long row, float* best, float* bestRow) where U : struct, IVector<U>
    {
        U old = U.Load(best), oldRow = U.Load(bestRow), larger = U.Max(old, U.Load(values));
        // larger != old where the value wins, but also where old is NaN, which stays.
        U newRow = U.Select(U.Equal(old, old), U.Splat(row), oldRow);
        U.Select(U.Equal(larger, old), oldRow, newRow).Store(bestRow);
        larger.Store(best);
    }
}
