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

    public DType TypeOfA(int m, int n, int k) => DType.Float32;

    public void Round(View x, View y) =>
        Buffer.MemoryCopy(x.Floats, y.Floats, y.Count * sizeof(float), x.Count * sizeof(float));

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
        long workspaceBytes = Workspace(c.Rows, c.Columns, a.Columns) * sizeof(float);
        if (batch > 1 && flop < LargestSmallFlop)
        {
            int perPiece = (int)Math.Clamp(SerialFlop / Math.Max(flop, 1), 1, batch);
            using var scratch = new WorkerScratch(threads, pool, workspaceBytes);
            threads.For((batch + perPiece - 1) / perPiece, (piece, worker) =>
            {
                for (int i = piece * perPiece; i < Math.Min(batch, (piece + 1) * perPiece); i++)
                    MultiplyOne(null, (float*)scratch[worker], a, b, c, epilogue, i);
            });
            return;
        }
        DeviceBuffer workspace = pool.Rent(workspaceBytes);
        for (int i = 0; i < batch; i++)
            MultiplyOne(flop < SerialFlop ? null : threads, (float*)workspace.Address, a, b, c, epilogue, i);
        workspace.Release();
    }

    static long Workspace(int m, int n, int k)
    {
        long turned = Math.Min(m, n) <= DotProductMatmul<V>.LargestNarrowSide ? (long)n * k : 0;
        bool isNarrow = Math.Min(m, n) <= FewRowsMatmul<V>.LargestRows;
        long fewRows = isNarrow ? FewRowsMatmul<V>.Workspace(Math.Max(m, n), k) : 0;
        return Math.Max(turned, Math.Max(fewRows, BlockedMatmul<V>.Workspace(m, n, k)));
    }

    static void MultiplyOne(
        Threads? team, float* workspace, Matrix a, Matrix b, Matrix c, Epilogue epilogue, long index)
    {
        var rows = Lines.OfRows(a, index);
        var columns = Lines.OfColumns(b, index);
        var destination = new Destination(c, epilogue, index);
        int m = c.Rows, n = c.Columns, k = a.Columns;
        bool narrow = Math.Min(m, n) <= DotProductMatmul<V>.LargestNarrowSide && k >= DotProductMatmul<V>.ShortestSum;
        if (k == 0)
            EmptySum(destination, m, n);
        else if (narrow && rows.StepStride == 1 && columns.StepStride == 1)
            DotProductMatmul<V>.Run(team, rows, columns, destination, m, n, k);
        else if (m <= FewRowsMatmul<V>.LargestRows && columns.LineStride == 1)
            FewRowsMatmul<V>.Run(team, workspace, rows, columns, destination, m, n, k);
        else if (narrow && n < m && rows.StepStride == 1)
            TurnAndMultiply(team, workspace, rows, columns, destination, m, n, k);
        else if (n <= FewRowsMatmul<V>.LargestRows && n < m && rows.LineStride == 1)
            FewRowsMatmul<V>.Run(team, workspace, columns, rows, destination, n, m, k, turned: true);
        else
            BlockedMatmul<V>.Run(team, workspace, rows, columns, destination, m, n, k);
    }

    /// <summary>A narrow B is cheap to turn, so that its columns become contiguous.</summary>
    static void TurnAndMultiply(
        Threads? team, float* workspace, Lines a, Lines b, Destination c, int m, int n, int k)
    {
        for (int column = 0; column < n; column++)
            for (int step = 0; step < k; step++)
                workspace[(long)column * k + step] = *b.At(column, step);
        DotProductMatmul<V>.Run(team, a, new Lines(workspace, k, 1), c, m, n, k);
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
