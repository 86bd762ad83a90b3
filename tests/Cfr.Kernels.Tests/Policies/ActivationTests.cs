using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests;

public unsafe class ActivationTests
{
    [Fact]
    public void Exponentials_are_within_2_ulp_in_every_width()
    {
        for (double x = -103; x < 88.72; x += 0.0037)
        {
            double want = Math.Exp((float)x), allowed = 2 * Ulp(want);
            Assert.All(EachWidth<Exp>((float)x), y => Assert.InRange(y, want - allowed, want + allowed));
            if (x is < -87.3 or > 0) continue;
            Assert.All(EachWidth<ExpOfNonPositive>((float)x), y => Assert.InRange(y, want - allowed, want + allowed));
        }
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0), InlineData(-105, 0), InlineData(0, 1), InlineData(1e-30f, 1)]
    [InlineData(88.7229f, float.PositiveInfinity), InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Ends_of_the_range_are_exact(float x, float want) =>
        Assert.All(EachWidth<Exp>(x), y => Assert.Equal(want, y));

    [Fact]
    public void Exponentials_of_minus_infinity_vanish_and_NaN_stays_in_the_short_form()
    {
        Assert.All(EachWidth<ExpOfNonPositive>(float.NegativeInfinity), y => Assert.Equal(0, y));
        Assert.All(EachWidth<ExpOfNonPositive>(float.NaN), y => Assert.Equal(float.NaN, y));
    }

    [Fact]
    public void The_double_error_function_matches_published_values()
    {
        // Abramowitz and Stegun, table 7.1.
        Assert.Equal(0.5204998778130465, ActivationNaive.Erf(0.5), tolerance: 1e-15);
        Assert.Equal(0.8427007929497149, ActivationNaive.Erf(1.0), tolerance: 1e-15);
        Assert.Equal(0.9953222650189527, ActivationNaive.Erf(2.0), tolerance: 1e-15);
        Assert.Equal(0.9999999845827421, ActivationNaive.Erf(4.0), tolerance: 1e-15);
    }

    [Theory, InlineData(Activation.None), InlineData(Activation.Relu), InlineData(Activation.Gelu)]
    public void Activations_and_derivatives_match_double_precision(Activation activation)
    {
        for (float x = -8; x < 8; x += 0.0113f)
        {
            double value = ActivationNaive.Apply<double>(activation, x);
            double slope = ActivationNaive.Derivative<double>(activation, x);
            float[] values = activation switch
            {
                Activation.Relu => EachWidth<Applied<Relu>>(x),
                Activation.Gelu => EachWidth<Applied<Gelu>>(x),
                _ => EachWidth<Applied<NoActivation>>(x),
            };
            float[] slopes = activation switch
            {
                Activation.Relu => EachWidth<Derived<Relu>>(x),
                Activation.Gelu => EachWidth<Derived<Gelu>>(x),
                _ => EachWidth<Derived<NoActivation>>(x),
            };
            Assert.All(values, y => Assert.Equal(value, y, 5e-7));
            Assert.All(slopes, y => Assert.Equal(slope, y, 5e-7));
        }
    }

    /// <summary>Floats of both signs from 2^-30 to 2^6, and what is beyond them.</summary>
    [Fact]
    public void GELU_on_GPUs_matches_double_precision()
    {
        Check(0);
        Check(float.MaxValue);
        Check(-float.MaxValue);
        for (uint bits = 97u << 23; bits < 133u << 23; bits += 1009)
        {
            Check(BitConverter.UInt32BitsToSingle(bits));
            Check(-BitConverter.UInt32BitsToSingle(bits));
        }
        Assert.Equal(0.5f, Ptx.GeluDerivative(0));
        Assert.Equal(float.PositiveInfinity, Ptx.Gelu(float.PositiveInfinity));
        Assert.Equal(0, Ptx.Gelu(float.NegativeInfinity));
        Assert.True(float.IsNaN(Ptx.Gelu(float.NaN)) && float.IsNaN(Ptx.GeluDerivative(float.NaN)));

        static void Check(float x)
        {
            double value = ActivationNaive.Apply<double>(Activation.Gelu, x);
            double slope = ActivationNaive.Derivative<double>(Activation.Gelu, x);
            Assert.InRange(Ptx.Gelu(x), value - Allowed(value), value + Allowed(value));
            Assert.InRange(Ptx.GeluDerivative(x), slope - Allowed(slope), slope + Allowed(slope));
        }

        static double Allowed(double want) => 1e-7 + Ulp(want);
    }

    interface IFunction
    {
        static abstract V Apply<V>(V x) where V : struct, IVector<V>;
    }

    struct Exp : IFunction
    {
        public static V Apply<V>(V x) where V : struct, IVector<V> => Exponential.Apply(x);
    }

    struct ExpOfNonPositive : IFunction
    {
        public static V Apply<V>(V x) where V : struct, IVector<V> => Exponential.ApplyToNonPositive(x);
    }

    struct Applied<TActivation> : IFunction where TActivation : struct, IActivation
    {
        public static V Apply<V>(V x) where V : struct, IVector<V> => TActivation.Apply(x);
    }

    struct Derived<TActivation> : IFunction where TActivation : struct, IActivation
    {
        public static V Apply<V>(V x) where V : struct, IVector<V> => TActivation.Derivative(x);
    }

    static float[] EachWidth<F>(float x) where F : struct, IFunction =>
        [Last<F, Lanes1>(x), Last<F, Lanes4>(x), Last<F, Lanes8>(x), Last<F, Lanes16>(x)];

    static float Last<F, V>(float x) where F : struct, IFunction where V : struct, IVector<V>
    {
        float* lanes = stackalloc float[V.Width];
        F.Apply(V.Splat(x)).Store(lanes);
        return lanes[V.Width - 1];
    }

    /// <summary>Distance of neighbouring floats at a value.</summary>
    static double Ulp(double value)
    {
        float magnitude = (float)Math.Abs(value);
        return (double)MathF.BitIncrement(magnitude) - magnitude;
    }
}
