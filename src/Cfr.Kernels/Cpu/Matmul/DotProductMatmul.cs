using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A product of few rows or few columns whose operands are both contiguous along the sum (a linear layer on some
/// tokens; the narrow side of LoRA): tiles of 3 x 4 dot products, read where they lie. Bound by memory: 4 (M K + N K)
/// bytes for 2 M N K FLOP. A step is 12 multiply-adds from 7 loads.
/// </summary>
static unsafe class DotProductMatmul<V> where V : struct, IVector<V>
{
    /// <summary>One side of the product is at most this.</summary>
    public const int LargestNarrowSide = 8;

    /// <summary>Shorter sums spend their time on adding up lanes.</summary>
    public static int ShortestSum => 4 * V.Width;

    const int TileRows = 3, TileColumns = 4;
    const int RowsPerPiece = 48, ColumnsPerPiece = 64;

    public static void Run(Threads? threads, Lines a, Lines b, Destination c, int m, int n, int k)
    {
        int across = (n + ColumnsPerPiece - 1) / ColumnsPerPiece;
        Pieces.For(threads, (m + RowsPerPiece - 1) / RowsPerPiece * across, piece =>
        {
            int row = piece / across * RowsPerPiece, column = piece % across * ColumnsPerPiece;
            int lastRow = Math.Min(m, row + RowsPerPiece), lastColumn = Math.Min(n, column + ColumnsPerPiece);
            float* tile = stackalloc float[TileRows * TileColumns];
            for (int j = column; j < lastColumn; j += TileColumns)
                for (int i = row; i < lastRow; i += TileRows)
                {
                    int rows = Math.Min(TileRows, lastRow - i), columns = Math.Min(TileColumns, lastColumn - j);
                    Tile(k, a, i, rows, b, j, columns, tile);
                    c.Write(tile, TileColumns, i, j, rows, columns, c.Accumulate);
                }
            c.Finish<V>(row, column, lastRow - row, lastColumn - column);
        });
    }

    /// <summary>Lines that a hanging tile lacks are stood in for by its last ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile(int k, Lines a, int row, int rows, Lines b, int column, int columns, float* tile)
    {
        float* a0 = a.At(row, 0), a1 = a.At(row + Math.Min(1, rows - 1), 0), a2 = a.At(row + rows - 1, 0);
        float* b0 = b.At(column, 0), b1 = b.At(column + Math.Min(1, columns - 1), 0);
        float* b2 = b.At(column + Math.Min(2, columns - 1), 0), b3 = b.At(column + columns - 1, 0);
        V c00 = V.Splat(0), c01 = V.Splat(0), c02 = V.Splat(0), c03 = V.Splat(0);
        V c10 = V.Splat(0), c11 = V.Splat(0), c12 = V.Splat(0), c13 = V.Splat(0);
        V c20 = V.Splat(0), c21 = V.Splat(0), c22 = V.Splat(0), c23 = V.Splat(0);
        int step = 0;
        for (; step + V.Width <= k; step += V.Width)
        {
            V x = V.Load(a0 + step), y = V.Load(a1 + step), z = V.Load(a2 + step), w = V.Load(b0 + step);
            V.AddProduct(ref c00, x, w);
            V.AddProduct(ref c10, y, w);
            V.AddProduct(ref c20, z, w);
            w = V.Load(b1 + step);
            V.AddProduct(ref c01, x, w);
            V.AddProduct(ref c11, y, w);
            V.AddProduct(ref c21, z, w);
            w = V.Load(b2 + step);
            V.AddProduct(ref c02, x, w);
            V.AddProduct(ref c12, y, w);
            V.AddProduct(ref c22, z, w);
            w = V.Load(b3 + step);
            V.AddProduct(ref c03, x, w);
            V.AddProduct(ref c13, y, w);
            V.AddProduct(ref c23, z, w);
        }
        StoreSums(tile, c00, c01, c02, c03);
        StoreSums(tile + TileColumns, c10, c11, c12, c13);
        StoreSums(tile + 2 * TileColumns, c20, c21, c22, c23);
        for (; step < k; step++)
        {
            AddStep(tile, a0[step], b0[step], b1[step], b2[step], b3[step]);
            AddStep(tile + TileColumns, a1[step], b0[step], b1[step], b2[step], b3[step]);
            AddStep(tile + 2 * TileColumns, a2[step], b0[step], b1[step], b2[step], b3[step]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreSums(float* row, V s0, V s1, V s2, V s3)
    {
        row[0] = V.Sum(s0);
        row[1] = V.Sum(s1);
        row[2] = V.Sum(s2);
        row[3] = V.Sum(s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddStep(float* row, float x, float w0, float w1, float w2, float w3)
    {
        row[0] += x * w0;
        row[1] += x * w1;
        row[2] += x * w2;
        row[3] += x * w3;
    }
}
