using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// <see cref="Philox"/> for eight counters side by side. A vector holds one word of four blocks, each in the lower half
/// of 64 bits: that is what the 32 x 32 multiplication reads, so the upper halves may hold anything and are cut off at
/// the end. Ten rounds of 8 instructions make 16 numbers; two such groups are in flight, since each round waits for the
/// one before.
/// </summary>
static unsafe class PhiloxBlocks
{
    /// <summary>Numbers made at once: four words of eight blocks.</summary>
    public const int Count = 32;

    static readonly Vector256<ulong> FourBlocks = Vector256.Create(0ul, 1, 2, 3);
    static readonly Vector256<ulong> LowerHalf = Vector256.Create(0xFFFFFFFFul);

    /// <summary>
    /// The words of blocks [first, first + groups * 8), in order: word i % 4 of block i / 4, cut to 24 bits, as floats
    /// in [0, 1).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Uniform(RandomKey key, ulong first, long groups, float* u)
    {
        Vector256<ulong>* keys = stackalloc Vector256<ulong>[2 * Philox.Rounds];
        for (uint round = 0; round < Philox.Rounds; round++)
        {
            keys[2 * round] = Vector256.Create((ulong)((uint)key.Seed + round * Philox.KeyStep0));
            keys[2 * round + 1] = Vector256.Create((ulong)((uint)(key.Seed >> 32) + round * Philox.KeyStep1));
        }
        Vector256<ulong> m0 = Vector256.Create((ulong)Philox.Multiplier0);
        Vector256<ulong> m1 = Vector256.Create((ulong)Philox.Multiplier1);
        Vector256<ulong> stream = Vector256.Create(key.StreamOnHost);
        for (long group = 0; group < groups; group++, first += Count / Philox.Words, u += Count)
        {
            Vector256<ulong> x0 = Vector256.Create(first) + FourBlocks, y0 = x0 + Vector256.Create(4ul);
            Vector256<ulong> x1 = x0 >> 32, y1 = y0 >> 32, x2 = stream, y2 = stream, x3 = stream >> 32, y3 = x3;
            for (int round = 0; round < 2 * Philox.Rounds; round += 2)
            {
                Round(ref x0, ref x1, ref x2, ref x3, m0, m1, keys[round], keys[round + 1]);
                Round(ref y0, ref y1, ref y2, ref y3, m0, m1, keys[round], keys[round + 1]);
            }
            Store(x0, x1, x2, x3, u);
            Store(y0, y1, y2, y3, u + Count / 2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Round(
        ref Vector256<ulong> x0, ref Vector256<ulong> x1, ref Vector256<ulong> x2, ref Vector256<ulong> x3,
        Vector256<ulong> m0, Vector256<ulong> m1, Vector256<ulong> k0, Vector256<ulong> k1)
    {
        Vector256<ulong> p0 = Product(x0, m0), p1 = Product(x2, m1);
        x0 = (p1 >> 32) ^ (x1 ^ k0);
        x2 = (p0 >> 32) ^ (x3 ^ k1);
        (x1, x3) = (p1, p0);
    }

    /// <summary>The 64-bit products of the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ulong> Product(Vector256<ulong> a, Vector256<ulong> b) =>
        Avx2.IsSupported ? Avx2.Multiply(a.AsUInt32(), b.AsUInt32()) : (a & LowerHalf) * b;

    /// <summary>
    /// a = (word 1, word 0) of the four blocks, b = (word 3, word 2); interleaved, the blocks are whole again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(Vector256<ulong> x0, Vector256<ulong> x1, Vector256<ulong> x2, Vector256<ulong> x3, float* u)
    {
        Vector256<ulong> a = (x0 & LowerHalf) | (x1 << 32), b = (x2 & LowerHalf) | (x3 << 32);
        if (Avx2.IsSupported)
        {
            Vector256<ulong> even = Avx2.UnpackLow(a, b), odd = Avx2.UnpackHigh(a, b);
            StoreUniform(Avx2.Permute2x128(even, odd, 0x20), u);
            StoreUniform(Avx2.Permute2x128(even, odd, 0x31), u + Count / 4);
            return;
        }
        StoreUniform(Vector256.Create(a[0], b[0], a[1], b[1]), u);
        StoreUniform(Vector256.Create(a[2], b[2], a[3], b[3]), u + Count / 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreUniform(Vector256<ulong> words, float* u) =>
        (Vector256.ConvertToSingle((words.AsUInt32() >> 8).AsInt32()) * Philox.UnitOf24Bits).Store(u);
}
