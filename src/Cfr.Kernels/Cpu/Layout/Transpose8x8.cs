using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// An 8 x 8 transposition in registers: pairs, then fours of elements are interleaved, then halves are exchanged.
/// <code>
/// vector c of the source:  c0 c1 c2 c3 c4 c5 c6 c7
/// unpack 0 and 1:          00 10 01 11 | 04 14 05 15      and 02 12 03 13 | 06 16 07 17
/// shuffle with 2 and 3:    00 10 20 30 | 04 14 24 34      ...
/// halves with 4 to 7:      00 10 20 30 40 50 60 70        = row 0 of the target, (04 .. 74) = row 4
/// </code>
/// </summary>
static unsafe class Transpose8x8
{
    public const int Size = 8;

    public static bool IsSupported => Avx.IsSupported;

    /// <summary>target[r targetStride + c] = source[c sourceStride + r]</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TWrite>(float* source, long sourceStride, float* target, long targetStride) where TWrite
        : struct, IWrite
    {
        Four(source, sourceStride, out var a0, out var a1, out var a2, out var a3);
        Four(source + 4 * sourceStride, sourceStride, out var b0, out var b1, out var b2, out var b3);
        Write<TWrite>(Avx.Permute2x128(a0, b0, 0x20), target);
        Write<TWrite>(Avx.Permute2x128(a1, b1, 0x20), target + targetStride);
        Write<TWrite>(Avx.Permute2x128(a2, b2, 0x20), target + 2 * targetStride);
        Write<TWrite>(Avx.Permute2x128(a3, b3, 0x20), target + 3 * targetStride);
        target += 4 * targetStride;
        Write<TWrite>(Avx.Permute2x128(a0, b0, 0x31), target);
        Write<TWrite>(Avx.Permute2x128(a1, b1, 0x31), target + targetStride);
        Write<TWrite>(Avx.Permute2x128(a2, b2, 0x31), target + 2 * targetStride);
        Write<TWrite>(Avx.Permute2x128(a3, b3, 0x31), target + 3 * targetStride);
    }

    /// <summary>
    /// Four vectors of the source as columns: the lower halves hold rows 0 to 3 of the target, the upper ones 4 to 7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Four(
        float* source, long stride, out Vector256<float> r0, out Vector256<float> r1, out Vector256<float> r2,
        out Vector256<float> r3)
    {
        Vector256<float> s0 = Vector256.Load(source), s1 = Vector256.Load(source + stride);
        Vector256<float> s2 = Vector256.Load(source + 2 * stride), s3 = Vector256.Load(source + 3 * stride);
        Vector256<float> low01 = Avx.UnpackLow(s0, s1), high01 = Avx.UnpackHigh(s0, s1);
        Vector256<float> low23 = Avx.UnpackLow(s2, s3), high23 = Avx.UnpackHigh(s2, s3);
        r0 = Avx.Shuffle(low01, low23, 0b01_00_01_00);
        r1 = Avx.Shuffle(low01, low23, 0b11_10_11_10);
        r2 = Avx.Shuffle(high01, high23, 0b01_00_01_00);
        r3 = Avx.Shuffle(high01, high23, 0b11_10_11_10);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write<TWrite>(Vector256<float> row, float* target) where TWrite : struct, IWrite =>
        TWrite.Write(new Lanes8(row), target);
}
