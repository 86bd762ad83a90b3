using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>A function of one element and of up to two parameters, and its derivative.</summary>
interface IUnaryFunction
{
    static abstract V Apply<V>(V x, V p, V q) where V : struct, IVector<V>;

    static abstract V Derivative<V>(V x, V p, V q) where V : struct, IVector<V>;
}

/// <summary>An activation, which has no parameters.</summary>
readonly struct Activated<TActivation> : IUnaryFunction where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => TActivation.Apply(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => TActivation.Derivative(x);
}

/// <summary>p x + q</summary>
readonly struct Affine : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => V.MultiplyAdd(x, p, q);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => p;
}

/// <summary>x, or p x where x is negative.</summary>
readonly struct LeakyRelu : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> =>
        V.Select(V.Greater(x, V.Splat(0)), x, x * p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> =>
        V.Select(V.Greater(x, V.Splat(0)), V.Splat(1), p);
}

/// <summary>min(max(x, p), q); its derivative is 1 at both ends.</summary>
readonly struct Clamp : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => V.Min(V.Max(x, p), q);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> =>
        V.Select(V.Equal(x, Apply(x, p, q)), V.Splat(1), V.Splat(0));
}

/// <summary>
/// 1 / (1 + e^-x). With t = e^-|x|: 1 / (1 + t) or, for negative x, t / (1 + t), so that small values keep their
/// digits. The derivative, s (1 - s), is t / (1 + t)^2 on both sides.
/// </summary>
readonly struct Sigmoid : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V>
    {
        V t = Exponential.ApplyToNonPositive(V.Splat(0) - V.Abs(x));
        return V.Select(V.Greater(V.Splat(0), x), t, V.Splat(1)) / (V.Splat(1) + t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V>
    {
        V t = Exponential.ApplyToNonPositive(V.Splat(0) - V.Abs(x)), sum = V.Splat(1) + t;
        return t / (sum * sum);
    }
}

/// <summary>
/// tanh. With t = e^-2|x|: (1 - t) / (1 + t), which cancels near 0; there an odd polynomial (Cephes). The derivative,
/// 1 - tanh^2, is 4 t / (1 + t)^2 everywhere.
/// </summary>
readonly struct Tanh : IUnaryFunction
{
    const float SmallArguments = 0.625f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V>
    {
        V zero = V.Splat(0), one = V.Splat(1), magnitude = V.Abs(x), square = x * x;
        V series = V.MultiplyAdd(V.Splat(-5.70498872745e-3f), square, V.Splat(2.06390887954e-2f));
        series = V.MultiplyAdd(series, square, V.Splat(-5.37397155531e-2f));
        series = V.MultiplyAdd(series, square, V.Splat(1.33314422036e-1f));
        series = V.MultiplyAdd(series, square, V.Splat(-3.33332819422e-1f));
        V small = V.MultiplyAdd(series * square, x, x);

        V t = Exponential.ApplyToNonPositive(V.Splat(-2) * magnitude);
        V large = (one - t) / (one + t);
        large = V.Select(V.Greater(zero, x), zero - large, large);
        return V.Select(V.Greater(magnitude, V.Splat(SmallArguments)), large, small);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V>
    {
        V t = Exponential.ApplyToNonPositive(V.Splat(-2) * V.Abs(x)), sum = V.Splat(1) + t;
        return V.Splat(4) * t / (sum * sum);
    }
}

/// <summary>e^x</summary>
readonly struct Exp : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => Exponential.Apply(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => Exponential.Apply(x);
}

/// <summary>Natural logarithm.</summary>
readonly struct Log : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => Logarithm.Apply(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => V.Splat(1) / x;
}

/// <summary>Square root.</summary>
readonly struct SquareRoot : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => V.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => V.Splat(0.5f) / V.Sqrt(x);
}

/// <summary>x x</summary>
readonly struct Square : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => x + x;
}

/// <summary>Absolute value; its derivative at 0 is 0.</summary>
readonly struct AbsoluteValue : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => V.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V>
    {
        V zero = V.Splat(0);
        return V.Select(V.Greater(x, zero), V.Splat(1), V.Select(V.Greater(zero, x), V.Splat(-1), zero));
    }
}

/// <summary>1 / x</summary>
readonly struct Reciprocal : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => V.Splat(1) / x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => V.Splat(-1) / (x * x);
}

/// <summary>sin x</summary>
readonly struct Sine : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => Trigonometry.Sin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => Trigonometry.Cos(x);
}

/// <summary>cos x</summary>
readonly struct Cosine : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V x, V p, V q) where V : struct, IVector<V> => Trigonometry.Cos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, V p, V q) where V : struct, IVector<V> => V.Splat(0) - Trigonometry.Sin(x);
}
