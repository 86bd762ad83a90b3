using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// A few floats side by side. Kernels and policies are written once over it and compiled for 1 lane (tails, and the
/// GPU, where a thread is a lane), 4 (portable), 8 (AVX2) and 16 (AVX-512). A mask is whatever the comparisons return
/// and
/// <see cref="Select"/> understands.
/// </summary>
unsafe interface IVector<V> where V : struct, IVector<V>
{
    static abstract int Width { get; }

    static abstract V Load(float* source);

    static abstract V Splat(float value);

    void Store(float* target);

    static abstract V operator +(V a, V b);

    static abstract V operator -(V a, V b);

    static abstract V operator *(V a, V b);

    static abstract V operator /(V a, V b);

    /// <summary>a b + c, fused where the hardware can.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>
    /// sum += a b, fused where the hardware can. Loops of products want this form: assigned to a variable, the result of
    /// <see cref="MultiplyAdd"/> often lands in the register of a factor that is used for the last time, and is moved.
    /// </summary>
    static abstract void AddProduct(ref V sum, V a, V b);

    static abstract V Max(V a, V b);

    static abstract V Min(V a, V b);

    static abstract V Sqrt(V a);

    static abstract V Abs(V a);

    static abstract V Floor(V a);

    /// <summary>2^n for whole n in [-126, 127].</summary>
    static abstract V PowerOfTwo(V n);

    /// <summary>Splits positive normal x = mantissa 2^exponent, mantissa in [1, 2).</summary>
    static abstract V Mantissa(V x, out V exponent);

    static abstract V Greater(V a, V b);

    static abstract V Equal(V a, V b);

    static abstract V Select(V mask, V whenTrue, V whenFalse);

    /// <summary>x F(x), F the normal distribution; hardware that has exponentials overrides it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual V Gelu(V x) => NormalDistribution.Gelu(x);

    /// <summary>F(x) + x f(x), f the density.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual V GeluDerivative(V x) => NormalDistribution.GeluDerivative(x);

    /// <summary>Sum of the lanes, in a fixed order.</summary>
    static abstract float Sum(V a);

    /// <summary>Largest lane.</summary>
    static abstract float Largest(V a);
}
