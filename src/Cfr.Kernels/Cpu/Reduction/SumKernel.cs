using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Column sums of a matrix. Eight rows are added pairwise, sixteen such groups in float, and those in double: the error
/// is that of a handful of additions, whatever the number of rows. One FLOP for 4 bytes: bound by memory.
/// </summary>
static unsafe class SumKernel<V> where V : struct, IVector<V>
{
    const int Group = 8, ShortRows = 16;
    const long RowsInFloat = 128;

    /// <summary>
    /// totals[i] = sum of column i. The matrix has <paramref name="columns"/> columns and lies with the given stride;
    /// if <paramref name="rowsPerLine"/> is not 1 its rows touch (stride = columns) and are added that many at a time.
    /// </summary>
    [SkipLocalsInit, MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(float* x, long rows, int columns, long stride, int rowsPerLine, double* totals)
    {
        float* sums = stackalloc float[ReductionSplit.TileColumns];
        double* line = stackalloc double[ReductionSplit.TileColumns];
        new Span<double>(totals, columns).Clear();
        if (rowsPerLine == 1)
        {
            AddLines(x, rows, columns, stride, sums, totals);
            return;
        }
        int lineColumns = columns * rowsPerLine;
        long lines = rows / rowsPerLine;
        if (lines > 0)
        {
            new Span<double>(line, lineColumns).Clear();
            AddLines(x, lines, lineColumns, lineColumns, sums, line);
            for (int i = 0; i < lineColumns; i += columns) AddRow(line + i, totals, columns);
        }
        for (long row = lines * rowsPerLine; row < rows; row++) AddRow(x + row * columns, totals, columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddLines(float* x, long rows, int columns, long stride, float* sums, double* totals)
    {
        for (long first = 0; first < rows; first += RowsInFloat)
        {
            long end = Math.Min(rows, first + RowsInFloat), row = first;
            new Span<float>(sums, columns).Clear();
            if (columns == Group * V.Width && stride == columns)
                for (; row <= end - ShortRows; row += ShortRows) AddShortRows(x + row * stride, sums);
            for (; row <= end - Group; row += Group) AddEightRows(x + row * stride, stride, columns, sums);
            for (; row < end; row++) AddOneRow(x + row * stride, columns, sums);
            for (int i = 0; i < columns; i++) totals[i] += sums[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddEightRows(float* x, long stride, int columns, float* sums)
    {
        float* x4 = x + 4 * stride;
        int i = 0;
        for (; i <= columns - V.Width; i += V.Width)
            (V.Load(sums + i) + (FourRows<V>(x + i, stride) + FourRows<V>(x4 + i, stride))).Store(sums + i);
        for (; i < columns; i++)
        {
            Lanes1 group = FourRows<Lanes1>(x + i, stride) + FourRows<Lanes1>(x4 + i, stride);
            (Lanes1.Load(sums + i) + group).Store(sums + i);
        }
    }

    /// <summary>Rows of eight vectors that touch: read from front to back, which memory likes best.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddShortRows(float* x, float* sums)
    {
        V s0 = V.Splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        for (int row = 0; row < ShortRows; row++, x += Group * V.Width)
        {
            s0 += V.Load(x);
            s1 += V.Load(x + V.Width);
            s2 += V.Load(x + 2 * V.Width);
            s3 += V.Load(x + 3 * V.Width);
            s4 += V.Load(x + 4 * V.Width);
            s5 += V.Load(x + 5 * V.Width);
            s6 += V.Load(x + 6 * V.Width);
            s7 += V.Load(x + 7 * V.Width);
        }
        (V.Load(sums) + s0).Store(sums);
        (V.Load(sums + V.Width) + s1).Store(sums + V.Width);
        (V.Load(sums + 2 * V.Width) + s2).Store(sums + 2 * V.Width);
        (V.Load(sums + 3 * V.Width) + s3).Store(sums + 3 * V.Width);
        (V.Load(sums + 4 * V.Width) + s4).Store(sums + 4 * V.Width);
        (V.Load(sums + 5 * V.Width) + s5).Store(sums + 5 * V.Width);
        (V.Load(sums + 6 * V.Width) + s6).Store(sums + 6 * V.Width);
        (V.Load(sums + 7 * V.Width) + s7).Store(sums + 7 * V.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static U FourRows<U>(float* x, long stride) where U : struct, IVector<U> =>
        U.Load(x) + U.Load(x + stride) + (U.Load(x + 2 * stride) + U.Load(x + 3 * stride));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddOneRow(float* x, int columns, float* sums)
    {
        int i = 0;
        for (; i <= columns - V.Width; i += V.Width) (V.Load(sums + i) + V.Load(x + i)).Store(sums + i);
        for (; i < columns; i++) sums[i] += x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddRow(float* x, double* totals, int columns)
    {
        for (int i = 0; i < columns; i++) totals[i] += x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddRow(double* x, double* totals, int columns)
    {
        for (int i = 0; i < columns; i++) totals[i] += x[i];
    }
}
