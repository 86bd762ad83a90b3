using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// sin and cos. x = n pi/2 + r with whole n and |r| at most pi/4; pi/2 is split in three, the first two short enough
/// that n times them is exact up to |n| of some thousands. On r: sin r = r + r^3 S(r^2), cos r = 1 - r^2 / 2 + r^4
/// C(r^2) (Cephes' polynomials). n mod 4 then picks one of the two and a sign. Absolute error about 1e-7 for |x| up to
/// some thousands.
/// </summary>
static class Trigonometry
{
    const float TwoOverPi = 0.636619772f;
    const float HalfPi = 1.57079633f;
    const float HalfPiHigh = 1.5703125f, HalfPiMiddle = 4.837512969970703125e-4f, HalfPiLow = 7.54978995489188216e-8f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sin<V>(V x) where V : struct, IVector<V>
    {
        SinCos(x, out V sin, out _);
        return sin;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Cos<V>(V x) where V : struct, IVector<V>
    {
        SinCos(x, out _, out V cos);
        return cos;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SinCos<V>(V x, out V sin, out V cos) where V : struct, IVector<V>
    {
        V n = V.Floor(V.MultiplyAdd(x, V.Splat(TwoOverPi), V.Splat(0.5f)));
        V r = V.MultiplyAdd(n, V.Splat(-HalfPiHigh), x);
        r = V.MultiplyAdd(n, V.Splat(-HalfPiMiddle), r);
        r = V.MultiplyAdd(n, V.Splat(-HalfPiLow), r);
        InQuadrant(n, r, out sin, out cos);
    }

    /// <summary>sin and cos of 2 pi u; for u in [0, 1) of 24 bits the reduction is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SinCosOfTurns<V>(V u, out V sin, out V cos) where V : struct, IVector<V>
    {
        V quarters = u * V.Splat(4);
        V n = V.Floor(quarters + V.Splat(0.5f));
        InQuadrant(n, (quarters - n) * V.Splat(HalfPi), out sin, out cos);
    }

    /// <summary>sin and cos of n pi/2 + r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void InQuadrant<V>(V n, V r, out V sin, out V cos) where V : struct, IVector<V>
    {
        V square = r * r, one = V.Splat(1), zero = V.Splat(0);
        V s = V.MultiplyAdd(V.Splat(-1.9515295891e-4f), square, V.Splat(8.3321608736e-3f));
        s = V.MultiplyAdd(s, square, V.Splat(-1.6666654611e-1f));
        s = V.MultiplyAdd(s * square, r, r);
        V c = V.MultiplyAdd(V.Splat(2.443315711809948e-5f), square, V.Splat(-1.388731625493765e-3f));
        c = V.MultiplyAdd(c, square, V.Splat(4.166664568298827e-2f));
        c = V.MultiplyAdd(c * square, square, V.MultiplyAdd(square, V.Splat(-0.5f), one));

        // quadrant:  0: (s, c)   1: (c, -s)   2: (-s, -c)   3: (-c, s)
        V quadrant = n - V.Floor(n * V.Splat(0.25f)) * V.Splat(4);
        V odd = V.Greater(quadrant - V.Floor(quadrant * V.Splat(0.5f)) * V.Splat(2), zero);
        sin = V.Select(odd, c, s);
        cos = V.Select(odd, s, c);
        sin = V.Select(V.Greater(quadrant, V.Splat(1.5f)), zero - sin, sin);
        V negativeCos = V.Greater(V.Splat(1), V.Abs(quadrant - V.Splat(1.5f)));
        cos = V.Select(negativeCos, zero - cos, cos);
    }
}
