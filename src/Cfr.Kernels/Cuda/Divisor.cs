using System.Numerics;
using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Division of indices by a number that is known before the launch, in three instructions instead of twenty (Granlund
/// and Montgomery 1994): with 2^s the first power of two that is at least d and m = floor(2^32 (2^s - d) / d) + 1,
/// <c>n / d = (hi(n m) + n) >> s</c> for 0 &lt;= n &lt; 2^31.
/// </summary>
readonly struct Divisor
{
    readonly uint _multiplier;
    readonly int _shift;

    public Divisor(int value)
    {
        Value = value;
        _shift = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)value));
        _multiplier = (uint)((1ul << 32) * ((1ul << _shift) - (uint)value) / (uint)value + 1);
    }

    /// <summary>d, at least 1.</summary>
    public readonly int Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int operator /(int index, Divisor d) =>
        (int)(Ptx.MultiplyHigh((uint)index, d._multiplier) + (uint)index >> d._shift);
}
