namespace Cfr.Kernels.Cpu;

/// <summary>
/// Copies that rearrange: see <see cref="BoxPlan"/> and <see cref="BlockCopy{V, TWrite}"/>. Bound by memory.
/// </summary>
sealed unsafe class CpuLayout<V>(Threads threads) : ILayout where V : struct, IVector<V>
{
    const long ElementsPerPiece = 1 << 14;
    const int ScatteredColumns = 64;

    public void Copy(StridedCopy copy, View source, View target, bool accumulate = false)
    {
        for (int axis = 0; axis < copy.Rank; axis++)
            if (copy.Sizes[axis] == 0)
                return;
        var plan = new BoxPlan(copy);
        float* from = source.Floats, to = target.Floats;
        threads.For(plan.Blocks, plan.Grain, (begin, end) =>
        {
            for (long i = begin; i < end; i++)
                if (accumulate)
                    BlockCopy<V, Accumulate>.Run(plan, plan[i], from, to);
                else
                    BlockCopy<V, Put>.Run(plan, plan[i], from, to);
        });
    }

    public void Gather(long rows, int width, View table, View index, View y)
    {
        float* from = table.Floats, to = y.Floats;
        int* rowOf = index.Ints;
        long tableRows = table.Count / Math.Max(1, width);
        threads.For(rows, Math.Max(1, ElementsPerPiece / Math.Max(1, width)), (begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                long row = rowOf[i];
                if (row < 0 || row >= tableRows)
                    throw new ArgumentOutOfRangeException(
                        null, $"Gather: index {i} is {row}, the table has {tableRows} rows");
                new ReadOnlySpan<float>(from + row * width, width).CopyTo(new Span<float>(to + i * width, width));
            }
        });
    }

    /// <summary>
    /// Threads share the columns, not the rows: a row of the table may be hit by any i, and the order of i counts.
    /// </summary>
    public void ScatterAdd(long rows, int width, long tableRows, View dy, View index, View dTable)
    {
        float* from = dy.Floats, to = dTable.Floats;
        int* rowOf = index.Ints;
        threads.For(width, ScatteredColumns, (begin, end) =>
        {
            int columns = (int)(end - begin);
            for (long row = 0; row < tableRows; row++) new Span<float>(to + row * width + begin, columns).Clear();
            for (long i = 0; i < rows; i++)
                MapKernel<V>.AddScaled(from + i * width + begin, 1, to + (long)rowOf[i] * width + begin, columns);
        });
    }
}
