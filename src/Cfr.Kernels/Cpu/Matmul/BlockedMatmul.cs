using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// The general product, blocked for the caches as in BLIS:
/// <code>
///   for panels of B columns, panels of A rows, blocks of the sum     (packed panels of both stay in L3)
///     pack A into strips of 6 rows, B into strips of 2 vectors       in parallel
///     for blocks of rows x columns                                   in parallel; the block of A stays in L2
///       for strips of B: for strips of A: micro-kernel               the strip of B stays in L1
/// </code>
/// FLOP 2 M N K; bytes about 4 (M K (N / 3072) + K N (M / 2016) + 2 M N (K / 384)) between memory and L3. The order of
/// a sum depends on K alone.
/// </summary>
static unsafe class BlockedMatmul<V> where V : struct, IVector<V>
{
    const int RowsPerBlock = 120;
    const int WidestBlock = 384;
    const int NarrowestBlock = 128;
    const int FewestPieces = 24;
    const int RowsPerPanel = 2016;
    const int ColumnsPerPanel = 3072;
    const int FewestLinesToPack = 120;
    const int ShortSum = 32;
    const int FloatsPerLine = 16;

    const int TileRows = Microkernel<V>.Rows;
    static int TileColumns => Microkernel<V>.Columns;

    /// <summary>A strip of B takes most of L1: 24 of 32 KB with AVX2, 32 of 48 KB with AVX-512.</summary>
    static int StepsPerBlock => Math.Min(384, 8192 / TileColumns);

    /// <summary>Floats of workspace that a product needs: a panel of A and a panel of B.</summary>
    public static long Workspace(int m, int n, int k) =>
        PanelOfA(m, k) + (long)EvenBlock(n, ColumnsPerPanel, TileColumns) * EvenBlock(k, StepsPerBlock, 1);

    /// <summary>Runs on the calling thread alone if <paramref name="threads"/> is null.</summary>
    public static void Run(
        Threads? threads, float* workspace, Lines a, Lines b, Destination c, int m, int n, int k)
    {
        int rowsPerPanel = EvenBlock(m, RowsPerPanel, TileRows);
        int columnsPerPanel = EvenBlock(n, ColumnsPerPanel, TileColumns);
        int stepsPerBlock = EvenBlock(k, StepsPerBlock, 1);
        float* packedA = workspace, packedB = packedA + PanelOfA(m, k);

        for (int column = 0; column < n; column += columnsPerPanel)
            for (int row = 0; row < m; row += rowsPerPanel)
                for (int step = 0; step < k; step += stepsPerBlock)
                {
                    var block = new Block(
                        row, Math.Min(rowsPerPanel, m - row), column, Math.Min(columnsPerPanel, n - column),
                        step, Math.Min(stepsPerBlock, k - step), step + stepsPerBlock >= k);
                    Pack(threads, a, b, block, packedA, packedB);
                    Multiply(threads, c, block, packedA, packedB);
                }
    }

    /// <summary>Floats of a panel of A, rounded up so that B begins at a cache line.</summary>
    static long PanelOfA(int m, int k)
    {
        long floats = (long)EvenBlock(m, RowsPerPanel, TileRows) * EvenBlock(k, StepsPerBlock, 1);
        return (floats + FloatsPerLine - 1) / FloatsPerLine * FloatsPerLine;
    }

    readonly record struct Block(int Row, int Rows, int Column, int Columns, int Step, int Steps, bool IsLast);

    static void Pack(Threads? threads, Lines a, Lines b, Block block, float* packedA, float* packedB)
    {
        int piecesOfA = Strips(block.Rows, LinesPerPackingPiece(TileRows));
        int piecesOfB = Strips(block.Columns, LinesPerPackingPiece(TileColumns));
        Pieces.For(threads, piecesOfA + piecesOfB, piece =>
        {
            if (piece < piecesOfA)
                PackPiece(a, block.Row, block.Rows, block, TileRows, piece, packedA);
            else
                PackPiece(b, block.Column, block.Columns, block, TileColumns, piece - piecesOfA, packedB);
        });
    }

    static void PackPiece(Lines source, int first, int lines, Block block, int width, int piece, float* panels)
    {
        int begin = piece * LinesPerPackingPiece(width), count = Math.Min(LinesPerPackingPiece(width), lines - begin);
        Panels.PackStrips(
            source, first + begin, count, block.Step, block.Steps, width, panels + (long)begin * block.Steps);
    }

    static int LinesPerPackingPiece(int width) => Strips(FewestLinesToPack, width) * width;

    static void Multiply(Threads? threads, Destination c, Block block, float* packedA, float* packedB)
    {
        int rowsPerBlock = EvenBlock(block.Rows, RowsPerBlock, TileRows);
        int wanted = (int)((long)block.Columns * Strips(block.Rows, rowsPerBlock) / FewestPieces);
        int columnsPerBlock = EvenBlock(
            block.Columns, Math.Clamp(wanted, NarrowestBlock, WidestBlock), TileColumns);
        int across = Strips(block.Columns, columnsPerBlock);
        Pieces.For(threads, Strips(block.Rows, rowsPerBlock) * across, piece =>
        {
            int row = piece / across * rowsPerBlock, column = piece % across * columnsPerBlock;
            int lastRow = Math.Min(block.Rows, row + rowsPerBlock);
            int lastColumn = Math.Min(block.Columns, column + columnsPerBlock);
            float* scratch = stackalloc float[TileRows * TileColumns];
            if (block.Steps <= ShortSum)
            {
                // C is what costs: it is written row by row.
                for (int i = row; i < lastRow; i += TileRows)
                    for (int j = column; j < lastColumn; j += TileColumns)
                        MultiplyTile(c, block, packedA, packedB, i, j, scratch);
                return;
            }
            for (int j = column; j < lastColumn; j += TileColumns)
            {
                int nextColumn = j + TileColumns < lastColumn ? j + TileColumns : j;
                float* next = packedB + (long)nextColumn * block.Steps;
                for (int i = row; i < lastRow; i += TileRows)
                {
                    PrefetchShare(next, (i - row) / TileRows, (lastRow - row) / TileRows, block.Steps * TileColumns);
                    MultiplyTile(c, block, packedA, packedB, i, j, scratch);
                }
            }
        });
    }

    static void MultiplyTile(
        Destination c, Block block, float* packedA, float* packedB, int row, int column, float* scratch)
    {
        int rows = Math.Min(TileRows, block.Rows - row), columns = Math.Min(TileColumns, block.Columns - column);
        float* a = packedA + (long)row * block.Steps, b = packedB + (long)column * block.Steps;
        long toRow = block.Row + row, toColumn = block.Column + column;
        bool add = c.Accumulate || block.Step > 0;
        if (rows == TileRows && columns == TileColumns)
        {
            Microkernel<V>.RunPacked(block.Steps, a, b, c.At(toRow, toColumn), c.RowStride, add);
        }
        else
        {
            Microkernel<V>.RunPacked(block.Steps, a, b, scratch, TileColumns, false);
            c.Write(scratch, TileColumns, toRow, toColumn, rows, columns, add);
        }
        if (block.IsLast) c.Finish<V>(toRow, toColumn, rows, columns);
    }

    /// <summary>
    /// Fetches one of <paramref name="shares"/> parts of the next strip of B, so that it comes in unnoticed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchShare(float* strip, int share, int shares, int floats)
    {
        if (!Sse.IsSupported) return;
        int each = (floats / Math.Max(1, shares) + FloatsPerLine) / FloatsPerLine * FloatsPerLine;
        int end = Math.Min(floats, (share + 1) * each);
        for (int at = share * each; at < end; at += FloatsPerLine) Sse.Prefetch1(strip + at);
    }

    static int Strips(int lines, int width) => (lines + width - 1) / width;

    /// <summary>
    /// The size of equal blocks, each at most <paramref name="largest"/>, that cover <paramref name="total"/>; a
    /// multiple of <paramref name="unit"/>.
    /// </summary>
    static int EvenBlock(int total, int largest, int unit)
    {
        int blocks = Math.Max(1, Strips(total, largest));
        return Math.Max(1, Strips(Strips(total, blocks), unit)) * unit;
    }
}
