namespace Cfr.Kernels.Cpu;

/// <summary>
/// A product with at most 6 rows (a weight gradient of LoRA, the tokens of a decoder) against a B whose rows are
/// contiguous. Every element of B serves one tile only, so it is read where it lies instead of being packed: bound by
/// memory, 4 K N bytes for 2 M K N FLOP. Blocks of the sum are short, so that B is read a few rows at a time.
/// </summary>
static unsafe class FewRowsMatmul<V> where V : struct, IVector<V>
{
    public const int LargestRows = Microkernel<V>.Rows;

    const int StepsPerBlock = 64;
    const int TilesPerPiece = 8;

    static int ColumnsPerPiece => TilesPerPiece * Microkernel<V>.Columns;

    /// <summary>Floats of workspace that a product needs.</summary>
    public static long Workspace(int n, int k) =>
        (long)Microkernel<V>.Rows * k + (long)PiecesOf(n) * StepsPerBlock * Microkernel<V>.Columns;

    public static void Run(Threads? threads, float* workspace, Lines a, Lines b, Destination c, int m, int n, int k)
    {
        int width = Microkernel<V>.Columns, columnsPerPiece = ColumnsPerPiece;
        int pieces = PiecesOf(n), perPiece = StepsPerBlock * width;
        float* hangingStrips = workspace, packedA = hangingStrips + (long)pieces * perPiece;
        Panels.Pack(a, 0, m, 0, k, Microkernel<V>.Rows, packedA);
        Pieces.For(threads, pieces, piece =>
        {
            int begin = piece * columnsPerPiece, end = Math.Min(n, begin + columnsPerPiece);
            float* hangingStrip = hangingStrips + (long)piece * perPiece;
            float* tile = stackalloc float[Microkernel<V>.Rows * width];
            for (int step = 0; step < k; step += StepsPerBlock)
                for (int column = begin; column < end; column += width)
                {
                    int steps = Math.Min(StepsPerBlock, k - step), columns = Math.Min(width, end - column);
                    float* left = packedA + (long)step * Microkernel<V>.Rows, right = b.At(column, step);
                    long rightStep = b.StepStride;
                    if (columns < width)
                    {
                        Panels.Pack(b, column, columns, step, steps, width, hangingStrip);
                        right = hangingStrip;
                        rightStep = width;
                    }
                    Microkernel<V>.Run(steps, left, 1, Microkernel<V>.Rows, right, rightStep, tile, width, false);
                    c.Write(tile, width, 0, column, m, columns, c.Accumulate || step > 0);
                }
            c.Finish<V>(0, begin, m, end - begin);
        });
    }

    static int PiecesOf(int n) => (n + ColumnsPerPiece - 1) / ColumnsPerPiece;
}
