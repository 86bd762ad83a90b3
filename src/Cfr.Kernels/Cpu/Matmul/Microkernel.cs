using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// The innermost product: a tile of C, 6 rows by 2 vectors, held in 12 registers.
/// <code>
///   C[r, j] (+)= sum over k of A[r, k] B[k, j]        r = 0..5, j = 0 .. 2 V.Width - 1
///   A[r, k] at a + r aRow + k aStep                    packed: aRow = 1, aStep = 6
///   B[k, j] at b + k bStep + j                         packed: bStep = 2 V.Width
/// </code>
/// A step is 12 multiply-adds from 2 loads and 6 broadcasts: with AVX2 that is 12 + 2 + 1 of 16 registers and 6 cycles
/// of the two FMA units, which the loads fit into. So the tile runs at the peak of the core as long as its operands are
/// in L1.
/// </summary>
static unsafe class Microkernel<V> where V : struct, IVector<V>
{
    /// <summary>Rows of the tile.</summary>
    public const int Rows = 6;

    /// <summary>Columns of the tile.</summary>
    public static int Columns => 2 * V.Width;

    /// <summary>The tile from packed operands; steps are unrolled, since addresses differ by constants.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPacked(long steps, float* a, float* b, float* c, long cRow, bool accumulate)
    {
        PrefetchTile(c, cRow);
        V c00 = V.Splat(0), c01 = V.Splat(0), c10 = V.Splat(0), c11 = V.Splat(0), c20 = V.Splat(0), c21 = V.Splat(0);
        V c30 = V.Splat(0), c31 = V.Splat(0), c40 = V.Splat(0), c41 = V.Splat(0), c50 = V.Splat(0), c51 = V.Splat(0);
        for (; steps >= 4; steps -= 4)
        {
            Step(
                a, 1, b, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            Step(
                a + 1 * Rows, 1, b + 1 * Columns, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            Step(
                a + 2 * Rows, 1, b + 2 * Columns, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            Step(
                a + 3 * Rows, 1, b + 3 * Columns, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            a += 4 * Rows;
            b += 4 * Columns;
        }
        for (; steps > 0; steps--)
        {
            Step(
                a, 1, b, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            a += Rows;
            b += Columns;
        }
        Finish(
            c, cRow, accumulate, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
    }

    /// <summary>The tile from operands that lie anywhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        long steps, float* a, long aRow, long aStep, float* b, long bStep, float* c, long cRow, bool accumulate)
    {
        PrefetchTile(c, cRow);
        V c00 = V.Splat(0), c01 = V.Splat(0), c10 = V.Splat(0), c11 = V.Splat(0), c20 = V.Splat(0), c21 = V.Splat(0);
        V c30 = V.Splat(0), c31 = V.Splat(0), c40 = V.Splat(0), c41 = V.Splat(0), c50 = V.Splat(0), c51 = V.Splat(0);
        for (; steps > 0; steps--)
        {
            Step(
                a, aRow, b, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41,
                ref c50, ref c51);
            a += aStep;
            b += bStep;
        }
        Finish(
            c, cRow, accumulate, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Step(
        float* a, long aRow, float* b, ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30,
        ref V c31, ref V c40, ref V c41, ref V c50, ref V c51)
    {
        V left = V.Load(b), right = V.Load(b + V.Width);
        V x = V.Splat(*a);
        V.AddProduct(ref c00, x, left);
        V.AddProduct(ref c01, x, right);
        x = V.Splat(a[aRow]);
        V.AddProduct(ref c10, x, left);
        V.AddProduct(ref c11, x, right);
        x = V.Splat(a[2 * aRow]);
        V.AddProduct(ref c20, x, left);
        V.AddProduct(ref c21, x, right);
        x = V.Splat(a[3 * aRow]);
        V.AddProduct(ref c30, x, left);
        V.AddProduct(ref c31, x, right);
        x = V.Splat(a[4 * aRow]);
        V.AddProduct(ref c40, x, left);
        V.AddProduct(ref c41, x, right);
        x = V.Splat(a[5 * aRow]);
        V.AddProduct(ref c50, x, left);
        V.AddProduct(ref c51, x, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Finish(
        float* c, long cRow, bool accumulate, V c00, V c01, V c10, V c11, V c20, V c21, V c30, V c31, V c40, V c41,
        V c50, V c51)
    {
        if (accumulate)
        {
            StoreSum(c, c00, c01);
            StoreSum(c + cRow, c10, c11);
            StoreSum(c + 2 * cRow, c20, c21);
            StoreSum(c + 3 * cRow, c30, c31);
            StoreSum(c + 4 * cRow, c40, c41);
            StoreSum(c + 5 * cRow, c50, c51);
        }
        else
        {
            Store(c, c00, c01);
            Store(c + cRow, c10, c11);
            Store(c + 2 * cRow, c20, c21);
            Store(c + 3 * cRow, c30, c31);
            Store(c + 4 * cRow, c40, c41);
            Store(c + 5 * cRow, c50, c51);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* target, V left, V right)
    {
        left.Store(target);
        right.Store(target + V.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreSum(float* target, V left, V right)
    {
        (V.Load(target) + left).Store(target);
        (V.Load(target + V.Width) + right).Store(target + V.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchTile(float* c, long cRow)
    {
        if (!Sse.IsSupported) return;
        for (int row = 0; row < Rows; row++)
        {
            Sse.Prefetch0(c + row * cRow);
            Sse.Prefetch0(c + row * cRow + 2 * V.Width - 1);
        }
    }
}
