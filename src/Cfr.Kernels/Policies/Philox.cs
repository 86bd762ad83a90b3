using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): four words of random bits from a 128-bit counter and a 64-bit key,
/// by ten rounds of two multiplications each. A round, with hi and lo the halves of a 64-bit product:
///   (x0, x1, x2, x3) -> (hi(M1 x2) ^ x1 ^ k0, lo(M1 x2), hi(M0 x0) ^ x3 ^ k1, lo(M0 x0))
/// </summary>
static class Philox
{
    public const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    public const uint KeyStep0 = 0x9E3779B9, KeyStep1 = 0xBB67AE85;
    public const int Rounds = 10;

    /// <summary>Words of one block.</summary>
    public const int Words = 4;

    /// <summary>2^-24: words are cut to 24 bits, so that they are exact as floats.</summary>
    public const float UnitOf24Bits = 1f / (1 << 24);

    /// <summary>Written out, because loops of GPU kernels are not unrolled: a third of the instructions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint, uint, uint, uint) Block(ulong counterLow, ulong counterHigh, ulong key)
    {
        var x = ((uint)counterLow, (uint)(counterLow >> 32), (uint)counterHigh, (uint)(counterHigh >> 32));
        x = Round(x, key, 0);
        x = Round(x, key, 1);
        x = Round(x, key, 2);
        x = Round(x, key, 3);
        x = Round(x, key, 4);
        x = Round(x, key, 5);
        x = Round(x, key, 6);
        x = Round(x, key, 7);
        x = Round(x, key, 8);
        return Round(x, key, 9);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static (uint, uint, uint, uint) Round((uint, uint, uint, uint) x, ulong key, uint round)
    {
        uint k0 = (uint)key + round * KeyStep0, k1 = (uint)(key >> 32) + round * KeyStep1;
        ulong p0 = (ulong)Multiplier0 * x.Item1, p1 = (ulong)Multiplier1 * x.Item3;
        return ((uint)(p1 >> 32) ^ x.Item2 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ x.Item4 ^ k1, (uint)p0);
    }

    /// <summary>Uniform in [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Uniform(uint word) => (int)(word >> 8) * UnitOf24Bits;
}
