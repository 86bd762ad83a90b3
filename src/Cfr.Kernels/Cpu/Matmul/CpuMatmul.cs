namespace Cfr.Kernels.Cpu;

/// <summary>
/// Matrix products. The sizes alone choose the way, so that results depend on nothing else:
/// <list type="bullet">
/// <item>a batch of rows against one shared B is one tall product;</item>
/// <item>a few rows or columns (LoRA, tokens of a decoder) are bound by memory and skip packing;</item>
/// <item>many small products of a batch are a piece of work each;</item>
/// <item>everything else is blocked for the caches.</item>
/// </list>
/// </summary>
sealed unsafe class CpuMatmul<V>(Threads threads, BufferPool pool) : IMatmul where V : struct, IVector<V>
{
    /// <summary>Below it, waking the threads costs more than the product.</summary>
    const double SerialFlop = 4e5;

    /// <summary>Products of a batch larger than this are split themselves.</summary>
    const double LargestSmallFlop = 2e7;

    public void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default)
    {
        if (batch == 0 || c.Rows == 0 || c.Columns == 0) return;
        if (batch > 1 && CanFold(a, b, c, batch))
        {
            a = a with { Rows = batch * a.Rows };
            c = c with { Rows = batch * c.Rows };
            batch = 1;
        }
        double flop = 2.0 * c.Rows * c.Columns * a.Columns;
        if (batch > 1 && flop < LargestSmallFlop)
        {
            int perPiece = (int)Math.Clamp(SerialFlop / Math.Max(flop, 1), 1, batch);
            threads.For(batch, perPiece, (begin, end) =>
            {
                for (long i = begin; i < end; i++) MultiplyOne(null, a, b, c, epilogue, i);
            });
            return;
        }
        for (int i = 0; i < batch; i++) MultiplyOne(flop < SerialFlop ? null : threads, a, b, c, epilogue, i);
    }

    void MultiplyOne(Threads? team, Matrix a, Matrix b, Matrix c, Epilogue epilogue, long index)
    {
        var rows = Lines.OfRows(a, index);
        var columns = Lines.OfColumns(b, index);
        var destination = new Destination(c, epilogue, index);
        int m = c.Rows, n = c.Columns, k = a.Columns;
        if (k == 0)
            EmptySum(destination, m, n);
        else
            BlockedMatmul<V>.Run(team, pool, rows, columns, destination, m, n, k);
    }

    static void EmptySum(Destination c, int m, int n)
    {
        if (c.Accumulate) return;
        for (int row = 0; row < m; row++) new Span<float>(c.At(row, 0), n).Clear();
        c.Finish<V>(0, 0, m, n);
    }

    static bool CanFold(Matrix a, Matrix b, Matrix c, int batch) =>
        b.BatchStride == 0 && !a.Transposed && a.BatchStride == a.Rows * a.RowStride
        && c.BatchStride == c.Rows * c.RowStride && (long)batch * c.Rows <= int.MaxValue;
}
