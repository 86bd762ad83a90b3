using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// <see cref="Philox"/> for four counters side by side. A vector holds one word of four blocks, each in the lower half of 64 bits:
/// that is what the 32 x 32 multiplication reads, so the upper halves may hold anything and are cut off at the end. Ten rounds of 8
/// instructions make 16 numbers.
/// </summary>
readonly struct PhiloxBlocks(RandomKey key)
{
    /// <summary>Numbers made at once: four words of four blocks.</summary>
    public const int Count = 16;

    static readonly Vector256<ulong> FourBlocks = Vector256.Create(0ul, 1, 2, 3);
    static readonly Vector256<ulong> LowerHalf = Vector256.Create(0xFFFFFFFFul);

    /// <summary>The 16 words of blocks [first, first + 4), in order: words i % 4 of block i / 4, as two vectors of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next(ulong first, out Vector256<uint> lower, out Vector256<uint> upper)
    {
        Vector256<ulong> m0 = Vector256.Create((ulong)Philox.Multiplier0), m1 = Vector256.Create((ulong)Philox.Multiplier1);
        Vector256<ulong> counter = Vector256.Create(first) + FourBlocks;
        Vector256<ulong> x0 = counter, x1 = counter >> 32;
        Vector256<ulong> x2 = Vector256.Create(key.Stream), x3 = Vector256.Create(key.Stream >> 32);
        uint k0 = (uint)key.Seed, k1 = (uint)(key.Seed >> 32);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            Vector256<ulong> p0 = Product(x0, m0), p1 = Product(x2, m1);
            x0 = (p1 >> 32) ^ (x1 ^ Vector256.Create((ulong)k0));
            x2 = (p0 >> 32) ^ (x3 ^ Vector256.Create((ulong)k1));
            (x1, x3) = (p1, p0);
            k0 += Philox.KeyStep0;
            k1 += Philox.KeyStep1;
        }

        // a = (word 1, word 0) of the four blocks, b = (word 3, word 2): interleaved, the blocks are whole again.
        Vector256<ulong> a = (x0 & LowerHalf) | (x1 << 32), b = (x2 & LowerHalf) | (x3 << 32);
        if (Avx2.IsSupported)
        {
            Vector256<ulong> even = Avx2.UnpackLow(a, b), odd = Avx2.UnpackHigh(a, b);
            lower = Avx2.Permute2x128(even, odd, 0x20).AsUInt32();
            upper = Avx2.Permute2x128(even, odd, 0x31).AsUInt32();
            return;
        }
        lower = Vector256.Create(a[0], b[0], a[1], b[1]).AsUInt32();
        upper = Vector256.Create(a[2], b[2], a[3], b[3]).AsUInt32();
    }

    /// <summary>The 64-bit products of the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ulong> Product(Vector256<ulong> a, Vector256<ulong> b) =>
        Avx2.IsSupported ? Avx2.Multiply(a.AsUInt32(), b.AsUInt32()) : (a & LowerHalf) * b;
}
