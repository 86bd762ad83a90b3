using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>A function of two elements.</summary>
interface IBinaryFunction
{
    static abstract V Apply<V>(V a, V b) where V : struct, IVector<V>;
}

/// <summary>a + b</summary>
readonly struct Add : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => a + b;
}

/// <summary>a - b</summary>
readonly struct Subtract : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => a - b;
}

/// <summary>a b</summary>
readonly struct Multiply : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => a * b;
}

/// <summary>a / b</summary>
readonly struct Divide : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => a / b;
}

/// <summary>The larger one; NaN if one is NaN.</summary>
readonly struct Maximum : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => V.Max(a, b);
}

/// <summary>The smaller one; NaN if one is NaN.</summary>
readonly struct Minimum : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> => V.Min(a, b);
}

/// <summary>1 where a &gt; b, else 0.</summary>
readonly struct Greater : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V> =>
        V.Select(V.Greater(a, b), V.Splat(1), V.Splat(0));
}

/// <summary>a b where b &gt; 0, else 0 whatever a is: b is a scaled mask.</summary>
readonly struct Keep : IBinaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(V a, V b) where V : struct, IVector<V>
    {
        V zero = V.Splat(0);
        return V.Select(V.Greater(b, zero), a * b, zero);
    }
}
