using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A product with few rows (a weight gradient of LoRA, the tokens of a decoder) against a B whose rows are contiguous.
/// An element of B serves one or two tiles only, so it is read where it lies instead of being packed: bound by
/// memory, 4 K N bytes for 2 M N K FLOP. Blocks of the sum are short, so that B is read a few rows at a time.
/// </summary>
static unsafe class FewRowsMatmul<V> where V : struct, IVector<V>
{
    public const int LargestRows = 2 * Rows;

    const int Rows = Microkernel<V>.Rows;
    const int StepsPerBlock = 32;
    const int TilesPerPiece = 8;

    static int ColumnsPerPiece => TilesPerPiece * Microkernel<V>.Columns;

    /// <summary>Sums of a piece, and a strip of B that hangs over its edge.</summary>
    static long ScratchPerPiece => (long)LargestRows * ColumnsPerPiece + StepsPerBlock * Microkernel<V>.Columns;

    /// <summary>Floats of workspace that a product needs.</summary>
    public static long Workspace(int n, int k) => (long)LargestRows * k + PiecesOf(n) * ScratchPerPiece;

    /// <summary>C = A B, or, where <paramref name="turned"/>, C transposed = A B; m and n are those of A B.</summary>
    public static void Run(
        Threads? threads, float* workspace, Lines a, Lines b, Destination c, int m, int n, int k, bool turned = false)
    {
        int pieces = PiecesOf(n);
        float* scratch = workspace, packedA = scratch + pieces * ScratchPerPiece;
        Panels.PackAll(a, m, k, Rows, packedA);
        Pieces.For(threads, pieces, piece =>
        {
            int begin = piece * ColumnsPerPiece, columns = Math.Min(ColumnsPerPiece, n - begin);
            float* sums = scratch + piece * ScratchPerPiece;
            for (int step = 0; step < k; step += StepsPerBlock)
                AddSteps(packedA, m, b, begin, columns, step, k, sums);
            if (turned)
            {
                c.WriteTurned(sums, ColumnsPerPiece, begin, columns, m, c.Accumulate);
                c.Finish<V>(begin, 0, columns, m);
            }
            else
            {
                c.Write(sums, ColumnsPerPiece, 0, begin, m, columns, c.Accumulate);
                c.Finish<V>(0, begin, m, columns);
            }
        });
    }

    static void AddSteps(float* packedA, int m, Lines b, int begin, int columns, int step, int k, float* sums)
    {
        int width = Microkernel<V>.Columns, steps = Math.Min(StepsPerBlock, k - step);
        int nextStep = step + steps, nextSteps = Math.Min(StepsPerBlock, k - nextStep);
        float* hangingStrip = sums + LargestRows * ColumnsPerPiece;
        for (int column = 0; column < columns; column += width)
        {
            Prefetch(b, begin + column, nextStep, nextSteps);
            float* right = b.At(begin + column, step);
            long rightStep = b.StepStride;
            if (columns - column < width)
            {
                Panels.Pack(b, begin + column, columns - column, step, steps, width, hangingStrip);
                right = hangingStrip;
                rightStep = width;
            }
            for (int row = 0; row < m; row += Rows)
                Microkernel<V>.Run(
                    steps, packedA + (long)row * k + (long)step * Rows, 1, Rows, right, rightStep,
                    sums + row * ColumnsPerPiece + column, ColumnsPerPiece, step > 0);
        }
    }

    /// <summary>Rows of B are far apart, which the hardware does not foresee.</summary>
    static void Prefetch(Lines b, long column, int step, int steps)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < steps; i++) Sse.Prefetch0(b.At(column, step + i));
    }

    static int PiecesOf(int n) => (n + ColumnsPerPiece - 1) / ColumnsPerPiece;
}
