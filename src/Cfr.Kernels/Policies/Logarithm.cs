using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// log x = e ln 2 + log(1 + f), x = (1 + f) 2^e with 1 + f in [sqrt 1/2, sqrt 2). log(1 + f) = f - f^2 / 2 + f^3 P(f)
/// with the polynomial of Cephes' logf; ln 2 is split in two, so that e ln 2 is exact in its upper part. Error about 1
/// ulp.
/// </summary>
static class Logarithm
{
    const float SmallestNormal = 1.17549435e-38f;
    const float SubnormalScale = 16777216, SubnormalExponent = 24;
    const float SquareRootOfTwo = 1.41421356f;
    const float LogTwoHigh = 0.693359375f, LogTwoLow = -2.12194440e-4f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V>
    {
        V one = V.Splat(1), zero = V.Splat(0);
        V subnormal = V.Greater(V.Splat(SmallestNormal), x);
        V scaled = V.Select(subnormal, x * V.Splat(SubnormalScale), x);
        V mantissa = V.Mantissa(scaled, out V exponent);
        exponent -= V.Select(subnormal, V.Splat(SubnormalExponent), zero);

        V upper = V.Greater(mantissa, V.Splat(SquareRootOfTwo));
        exponent += V.Select(upper, one, zero);
        V f = V.Select(upper, mantissa * V.Splat(0.5f), mantissa) - one;

        V square = f * f;
        V tail = V.MultiplyAdd(Polynomial(f) * f, square, exponent * V.Splat(LogTwoLow));
        tail = V.MultiplyAdd(square, V.Splat(-0.5f), tail);
        V log = V.MultiplyAdd(exponent, V.Splat(LogTwoHigh), f + tail);

        V outside = V.Select(V.Equal(x, zero), V.Splat(float.NegativeInfinity), V.Splat(float.NaN));
        log = V.Select(V.Greater(x, zero), log, outside);
        return V.Select(V.Equal(x, V.Splat(float.PositiveInfinity)), x, log);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Polynomial<V>(V f) where V : struct, IVector<V>
    {
        V p = V.Splat(7.0376836292e-2f);
        p = V.MultiplyAdd(p, f, V.Splat(-1.1514610310e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(1.1676998740e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(-1.2420140846e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(1.4249322787e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(-1.6668057665e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(2.0000714765e-1f));
        p = V.MultiplyAdd(p, f, V.Splat(-2.4999993993e-1f));
        return V.MultiplyAdd(p, f, V.Splat(3.3333331174e-1f));
    }
}
