using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// The normal distribution F(x) = 0.5 (1 + erf(x / sqrt 2)) and its density f(x) = e^(-x^2 / 2) / sqrt(2 pi). With t =
/// |x|: F(-t) = e^(-t^2 / 2) w P(w), w = 1 / (1 + c t), P a minimax polynomial of degree 8 (relative error 2.4e-8 for t
/// up to 14), and F(t) = 1 - F(-t). Both share the exponential, which is computed while the polynomial is: a general
/// erf takes about twice the time. Error about 1e-7, on the negative side relative to F. GPUs, which have an instruction
/// for 2^x, do it otherwise: <see cref="Cuda.Ptx.Gelu"/>.
/// </summary>
static class NormalDistribution
{
    const float Curvature = 0.27f;
    const float InverseOfRoot2Pi = 0.39894228f;
    const float MinusHalfLog2OfE = -0.72134752f;
    const float SmallestPower = -126;
    const float C0 = 0.107720181f, C1 = 0.107550509f, C2 = 0.101759166f, C3 = 0.0722402707f, C4 = 0.107399486f;
    const float C5 = -0.0686210692f, C6 = 0.169291496f, C7 = -0.126255319f, C8 = 0.0289152842f;
    const float E1 = 0.693147182f, E2 = 0.240226462f, E3 = 0.0555032864f, E4 = 0.00961848907f, E5 = 0.00133999309f;
    const float E6 = 0.00015345811f;

    /// <summary>x F(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Gelu<V>(V x) where V : struct, IVector<V>
    {
        Apply(x, out V distribution, out _);
        return x * distribution;
    }

    /// <summary>F(x) + x f(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V GeluDerivative<V>(V x) where V : struct, IVector<V>
    {
        Apply(x, out V distribution, out V density);
        return V.MultiplyAdd(x, density, distribution);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Apply<V>(V x, out V distribution, out V density) where V : struct, IVector<V>
    {
        V one = V.Splat(1);
        V gauss = Gauss(x);
        V w = one / V.MultiplyAdd(V.Abs(x), V.Splat(Curvature), one);
        V tail = gauss * (Polynomial(w) * w);
        distribution = V.Select(V.Greater(x, V.Splat(0)), one - tail, tail);
        density = gauss * V.Splat(InverseOfRoot2Pi);
    }

    /// <summary>
    /// e^(-x^2 / 2) = 2^(n + r), n whole and |r| at most 1/2; 2^r a minimax polynomial (relative error 1.6e-8). A
    /// general exponential subtracts n ln 2 in two parts; here the rounding of x^2 is as large an error as doing
    /// without. At least 2^-126.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Gauss<V>(V x) where V : struct, IVector<V>
    {
        V power = x * x * V.Splat(MinusHalfLog2OfE), smallest = V.Splat(SmallestPower);
        power = V.Select(V.Greater(smallest, power), smallest, power);
        V n = V.Floor(power + V.Splat(0.5f)), r = power - n, r2 = r * r;
        V p01 = V.MultiplyAdd(V.Splat(E1), r, V.Splat(1)), p23 = V.MultiplyAdd(V.Splat(E3), r, V.Splat(E2));
        V p45 = V.MultiplyAdd(V.Splat(E5), r, V.Splat(E4));
        V upper = V.MultiplyAdd(V.MultiplyAdd(V.Splat(E6), r2, p45), r2, p23);
        return V.MultiplyAdd(upper, r2, p01) * V.PowerOfTwo(n);
    }

    /// <summary>By pairs (Estrin), so that no multiplication waits for eight others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Polynomial<V>(V w) where V : struct, IVector<V>
    {
        V w2 = w * w, w4 = w2 * w2;
        V p01 = V.MultiplyAdd(V.Splat(C1), w, V.Splat(C0)), p23 = V.MultiplyAdd(V.Splat(C3), w, V.Splat(C2));
        V p45 = V.MultiplyAdd(V.Splat(C5), w, V.Splat(C4)), p67 = V.MultiplyAdd(V.Splat(C7), w, V.Splat(C6));
        V lower = V.MultiplyAdd(p23, w2, p01), upper = V.MultiplyAdd(p67, w2, p45);
        return V.MultiplyAdd(V.MultiplyAdd(V.Splat(C8), w4, upper), w4, lower);
    }
}
