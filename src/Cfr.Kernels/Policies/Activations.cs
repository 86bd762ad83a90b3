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
/// x F(x), F the normal distribution: the exact form, not the one with tanh. Derivative: F(x) + x f(x), f its density.
/// </summary>
readonly struct Gelu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x) where V : struct, IVector<V> => V.Gelu(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x) where V : struct, IVector<V> => V.GeluDerivative(x);
}
