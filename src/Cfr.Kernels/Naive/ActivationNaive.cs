using System.Numerics;

namespace Cfr.Kernels;

/// <summary>The fusable activations and their derivatives, to the accuracy of T.</summary>
static class ActivationNaive
{
    public static T Apply<T>(Activation activation, T x) where T : IFloatingPointIeee754<T> => activation switch
    {
        Activation.None => x,
        Activation.Relu => x < T.Zero ? T.Zero : x,
        Activation.Gelu => x * Distribution(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };

    public static T Derivative<T>(Activation activation, T x) where T : IFloatingPointIeee754<T> => activation switch
    {
        Activation.None => T.One,
        Activation.Relu => x > T.Zero ? T.One : T.Zero,
        Activation.Gelu => Distribution(x) + x * T.Exp(-x * x / T.CreateChecked(2)) / T.Sqrt(T.CreateChecked(2) * T.Pi),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };

    /// <summary>0.5 (1 + erf(x / sqrt 2))</summary>
    static T Distribution<T>(T x) where T : IFloatingPointIeee754<T>
    {
        T half = T.CreateChecked(0.5);
        return half + half * ErrorFunction(x * T.Sqrt(half));
    }

    /// <summary>erf(x) = 2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...); all terms have one sign.</summary>
    static T ErrorFunction<T>(T x) where T : IFloatingPointIeee754<T>
    {
        if (T.Abs(x) > T.CreateChecked(6.5)) return T.CopySign(T.One, x);
        T two = T.CreateChecked(2), term = x, sum = x, odd = T.One, before;
        do
        {
            before = sum;
            odd += two;
            term *= two * x * x / odd;
            sum += term;
        }
        while (sum != before);
        return two / T.Sqrt(T.Pi) * T.Exp(-x * x) * sum;
    }
}
