using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// e^x = 2^n e^r with n = round(x / ln 2), |r| at most ln 2 / 2. ln 2 is subtracted in two parts, so that n ln 2 costs
/// no accuracy, and e^r is a polynomial (minimax coefficients of Cephes' expf). The error is below 2 ulp.
/// </summary>
static class Exponential
{
    const float LargestArgument = 88.722839f;
    const float SmallestArgument = -104f;
    const float SmallestNormalArgument = -87.33654f;
    const float InverseOfLn2 = 1.44269504f;
    const float Ln2High = 0.693359375f;
    const float Ln2Low = -2.12194440e-4f;

    /// <summary>
    /// e^x for every x: +inf above 88.72, subnormal results below -87.34, 0 below -104, NaN for NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V>
    {
        V largest = V.Splat(LargestArgument), smallest = V.Splat(SmallestArgument);
        V overflows = V.Greater(x, largest);
        V bounded = V.Select(overflows, largest, V.Select(V.Greater(smallest, x), smallest, x));
        V n = Exponent(bounded);
        // 2^128 and 2^-150 have no float of their own: two factors of half the exponent each.
        V half = V.Floor(n * V.Splat(0.5f));
        V y = Remainder(bounded, n) * V.PowerOfTwo(half) * V.PowerOfTwo(n - half);
        return V.Select(overflows, V.Splat(float.PositiveInfinity), y);
    }

    /// <summary>e^x for x at most 0 (or NaN), cheaper: results that would be subnormal are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ApplyToNonPositive<V>(V x) where V : struct, IVector<V>
    {
        V smallest = V.Splat(SmallestNormalArgument);
        V vanishes = V.Greater(smallest, x);
        V bounded = V.Select(vanishes, smallest, x);
        V n = Exponent(bounded);
        return V.Select(vanishes, V.Splat(0), Remainder(bounded, n) * V.PowerOfTwo(n));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Exponent<V>(V x) where V : struct, IVector<V> =>
        V.Floor(V.MultiplyAdd(x, V.Splat(InverseOfLn2), V.Splat(0.5f)));

    /// <summary>e^(x - n ln 2)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Remainder<V>(V x, V n) where V : struct, IVector<V>
    {
        V r = V.MultiplyAdd(n, V.Splat(-Ln2High), x);
        r = V.MultiplyAdd(n, V.Splat(-Ln2Low), r);
        V p = V.MultiplyAdd(V.Splat(1.9875691500e-4f), r, V.Splat(1.3981999507e-3f));
        p = V.MultiplyAdd(p, r, V.Splat(8.3334519073e-3f));
        p = V.MultiplyAdd(p, r, V.Splat(4.1665795894e-2f));
        p = V.MultiplyAdd(p, r, V.Splat(1.6666665459e-1f));
        p = V.MultiplyAdd(p, r, V.Splat(5.0000001201e-1f));
        return V.MultiplyAdd(p, r * r, r) + V.Splat(1);
    }
}
