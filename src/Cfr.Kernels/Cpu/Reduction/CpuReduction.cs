using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Reductions over the middle axis, cut as <see cref="ReductionSplit"/> says. They read 4 bytes an element once.
/// </summary>
sealed unsafe class CpuReduction<V>(Threads threads, BufferPool pool) : IReduction where V : struct, IVector<V>
{
    const long ColumnsPerPiece = 4096;
    const long ElementsPerPiece = 1 << 14;
    const int RowsPerBatch = 256;

    public void Sum(long outer, long middle, long inner, View x, View y, float scale = 1, bool accumulate = false)
    {
        if (inner == 1 && middle <= ElementsPerPiece)
            SumRows(outer, middle, x.Floats, y.Floats, scale, accumulate);
        else
            SumColumns(outer, middle, inner, x, y, scale, accumulate);
    }

    void SumRows(long rows, long length, float* x, float* y, float scale, bool accumulate) =>
        threads.For(rows, ElementsPerPiece / Math.Max(1, length), (begin, end) =>
        {
            double* totals = stackalloc double[RowsPerBatch];
            for (; begin < end; begin += RowsPerBatch)
            {
                long batch = Math.Min(RowsPerBatch, end - begin);
                RowSumKernel<V>.Rows(x + begin * length, batch, length, totals);
                Finish(totals, 1, 0, batch, y + begin, scale, accumulate);
            }
        });

    void SumColumns(long outer, long middle, long inner, View x, View y, float scale, bool accumulate)
    {
        var split = new ReductionSplit(outer, middle, inner);
        float* from = x.Floats, to = y.Floats;
        DeviceBuffer buffer = pool.Rent(split.Chunks > 1 ? outer * split.Chunks * inner * sizeof(double) : 0);
        double* partial = (double*)buffer.Address;
        threads.For(split.Items, split.Grain, (begin, end) =>
        {
            double* totals = stackalloc double[ReductionSplit.TileColumns];
            for (long i = begin; i < end; i++)
            {
                ReductionItem item = split[i];
                double* target = split.Chunks > 1
                    ? partial + (item.Outer * split.Chunks + item.Chunk) * inner + item.Column
                    : totals;
                float* matrix = from + (item.Outer * middle + item.Row) * inner + item.Column;
                if (inner == 1)
                    RowSumKernel<V>.Rows(matrix, 1, item.Rows, target);
                else
                    SumKernel<V>.Columns(matrix, item.Rows, item.Columns, inner, split.RowsPerLine, target);
                if (split.Chunks == 1)
                    Finish(totals, 1, 0, item.Columns, to + item.Outer * inner + item.Column, scale, accumulate);
            }
        });
        if (split.Chunks > 1)
            threads.For(outer * inner, ColumnsPerPiece, (begin, end) =>
            {
                while (begin < end)
                {
                    long o = begin / inner, column = begin % inner, run = Math.Min(inner - column, end - begin);
                    double* totals = partial + o * split.Chunks * inner + column;
                    Finish(totals, split.Chunks, inner, run, to + begin, scale, accumulate);
                    begin += run;
                }
            });
        buffer.Release();
    }

    public void Max(long outer, long middle, long inner, View x, View y, View index) =>
        Largest(outer, middle, inner, x.Floats, y.Floats, index.IsNone ? null : index.Ints);

    public void MaxBackward(long outer, long middle, long inner, View dy, View index, View dx)
    {
        float* from = dy.Floats, to = dx.Floats;
        int* winner = index.Ints;
        threads.For(outer * middle, Math.Max(1, ElementsPerPiece / Math.Max(1, inner)), (begin, end) =>
        {
            for (long row = begin; row < end; row++)
            {
                long o = row / middle * inner;
                MaxKernel<V>.Scatter(from + o, winner + o, (int)(row % middle), to + row * inner, inner);
            }
        });
    }

    public void ArgMax(long outer, long middle, long inner, View x, View index)
    {
        float* from = x.Floats;
        int* to = index.Ints;
        if (inner == 1 && middle <= ArgMaxOfFew.Most)
            threads.For(outer, Math.Max(1, ReductionSplit.TileColumns * 8 / middle),
                (begin, end) => ArgMaxOfFew.Rows(from + begin * middle, end - begin, (int)middle, to + begin));
        else
            Largest(outer, middle, inner, from, null, to);
    }

    /// <summary>y = scale * (sum of the chunks' totals), plus what y holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Finish(double* totals, long chunks, long stride, long columns, float* y, float scale, bool accumulate)
    {
        for (long i = 0; i < columns; i++)
        {
            double total = 0;
            for (long chunk = 0; chunk < chunks; chunk++) total += totals[chunk * stride + i];
            total *= scale;
            y[i] = (float)(accumulate ? y[i] + total : total);
        }
    }

    void Largest(long outer, long middle, long inner, float* x, float* y, int* index)
    {
        var split = new ReductionSplit(outer, middle, inner);
        long count = outer * split.Chunks * inner;
        DeviceBuffer buffer = pool.Rent(count * (sizeof(float) + sizeof(int)));
        float* best = (float*)buffer.Address;
        int* bestRow = (int*)(best + count);
        threads.For(split.Items, split.Grain, (begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                ReductionItem item = split[i];
                long target = (item.Outer * split.Chunks + item.Chunk) * inner + item.Column;
                float* matrix = x + (item.Outer * middle + item.Row) * inner + item.Column;
                MaxKernel<V>.Columns(
                    matrix, item.Rows, item.Columns, inner, split.RowsPerLine, best + target, bestRow + target);
            }
        });
        threads.For(outer * inner, ColumnsPerPiece, (begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                long first = i / inner * split.Chunks * inner + i % inner, winner = 0;
                for (long chunk = 1; chunk < split.Chunks; chunk++)
                    if (MaxKernel<V>.Beats(best[first + chunk * inner], chunk, best[first + winner * inner], winner))
                        winner = chunk;
                if (y != null) y[i] = best[first + winner * inner];
                if (index != null) index[i] = (int)(winner * split.RowsPerChunk) + bestRow[first + winner * inner];
            }
        });
        buffer.Release();
    }
}
