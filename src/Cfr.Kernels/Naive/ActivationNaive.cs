using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// The activation functions of <see cref="Activation"/> in any precision, with an error function to match.
/// </summary>
static class ActivationNaive
{
    const int ContinuedFractionDepth = 120;
    const double SeriesUpTo = 3;

    public static T Apply<T>(Activation activation, T x) where T : IFloatingPointIeee754<T> => activation switch
    {
        Activation.Relu => x < T.Zero ? T.Zero : x,
        Activation.Gelu => x * Distribution(x),
        _ => x,
    };

    public static T Derivative<T>(Activation activation, T x) where T : IFloatingPointIeee754<T> => activation switch
    {
        Activation.Relu => x > T.Zero ? T.One : T.Zero,
        Activation.Gelu => Distribution(x) + x * T.Exp(-x * x / T.CreateChecked(2)) / T.Sqrt(T.Tau),
        _ => T.One,
    };

    /// <summary>
    /// erf(x) = 2 / sqrt(pi) e^(-x^2) sum over n of 2^n x^(2n + 1) / (1 3 5 ... (2n + 1)) for small x; its complement
    /// is a continued fraction, e^(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))), for large x.
    /// </summary>
    public static T Erf<T>(T x) where T : IFloatingPointIeee754<T>
    {
        if (T.IsNaN(x)) return x;
        T magnitude = T.Abs(x), two = T.CreateChecked(2), gauss = T.Exp(-x * x) / T.Sqrt(T.Pi);
        if (magnitude > T.CreateChecked(SeriesUpTo))
        {
            T fraction = magnitude;
            for (int n = ContinuedFractionDepth; n > 0; n--) fraction = magnitude + T.CreateChecked(n) / two / fraction;
            return T.CopySign(T.One - gauss / fraction, x);
        }
        T term = x, sum = x;
        for (int n = 1; T.Abs(term) > T.Epsilon + T.Abs(sum) * T.BitIncrement(T.One) - T.Abs(sum); n++)
        {
            term *= two * x * x / T.CreateChecked(2 * n + 1);
            sum += term;
        }
        return two * gauss * sum;
    }

    static T Distribution<T>(T x) where T : IFloatingPointIeee754<T> =>
        (T.One + Erf(x / T.Sqrt(T.CreateChecked(2)))) / T.CreateChecked(2);
}
