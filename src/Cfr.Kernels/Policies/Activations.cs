using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>An activation function and its derivative.</summary>
interface IActivation
{
    static abstract V Apply<V>(V x) where V : struct, IVector<V>;

    static abstract V Derivative<V>(V x) where V : struct, IVector<V>;
}

/// <summary>x</summary>
readonly struct NoActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x) where V : struct, IVector<V> => V.Splat(1);
}

/// <summary>max(x, 0), NaN for NaN.</summary>
readonly struct Relu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V> =>
        V.Select(V.Greater(V.Splat(0), x), V.Splat(0), x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x) where V : struct, IVector<V> =>
        V.Select(V.Greater(x, V.Splat(0)), V.Splat(1), V.Splat(0));
}

/// <summary>
/// x F(x) with F(x) = 0.5 (1 + erf(x / sqrt 2)), the normal distribution; the exact form. Derivative: F(x) + x f(x) with its
/// density f(x) = e^(-x^2 / 2) / sqrt(2 pi).
/// </summary>
readonly struct Gelu : IActivation
{
    const float InverseOfRoot2 = 0.70710678f;
    const float InverseOfRoot2Pi = 0.39894228f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V> => x * Distribution(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x) where V : struct, IVector<V>
    {
        V density = V.Splat(InverseOfRoot2Pi) * Exponential.ApplyToNonPositive(x * x * V.Splat(-0.5f));
        return V.MultiplyAdd(x, density, Distribution(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Distribution<V>(V x) where V : struct, IVector<V> =>
        V.MultiplyAdd(ErrorFunction.Apply(x * V.Splat(InverseOfRoot2)), V.Splat(0.5f), V.Splat(0.5f));
}
