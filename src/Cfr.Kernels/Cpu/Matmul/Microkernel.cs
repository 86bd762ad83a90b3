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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        long steps, float* a, long aRow, long aStep, float* b, long bStep, float* c, long cRow, bool accumulate)
    {
        PrefetchTile(c, cRow);
        V c00 = V.Splat(0), c01 = V.Splat(0), c10 = V.Splat(0), c11 = V.Splat(0), c20 = V.Splat(0), c21 = V.Splat(0);
        V c30 = V.Splat(0), c31 = V.Splat(0), c40 = V.Splat(0), c41 = V.Splat(0), c50 = V.Splat(0), c51 = V.Splat(0);
        float* lower = a + 3 * aRow;
        long aTwoRows = 2 * aRow;
        for (; steps > 0; steps--)
        {
            V left = V.Load(b), right = V.Load(b + V.Width);
            V x = V.Splat(*a);
            c00 = V.MultiplyAdd(x, left, c00);
            c01 = V.MultiplyAdd(x, right, c01);
            x = V.Splat(a[aRow]);
            c10 = V.MultiplyAdd(x, left, c10);
            c11 = V.MultiplyAdd(x, right, c11);
            x = V.Splat(a[aTwoRows]);
            c20 = V.MultiplyAdd(x, left, c20);
            c21 = V.MultiplyAdd(x, right, c21);
            x = V.Splat(*lower);
            c30 = V.MultiplyAdd(x, left, c30);
            c31 = V.MultiplyAdd(x, right, c31);
            x = V.Splat(lower[aRow]);
            c40 = V.MultiplyAdd(x, left, c40);
            c41 = V.MultiplyAdd(x, right, c41);
            x = V.Splat(lower[aTwoRows]);
            c50 = V.MultiplyAdd(x, left, c50);
            c51 = V.MultiplyAdd(x, right, c51);
            a += aStep;
            lower += aStep;
            b += bStep;
        }
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
