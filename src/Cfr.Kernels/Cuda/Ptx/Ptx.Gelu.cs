using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// GELU by one exponential. The normal distribution's lower tail is F(-t) = 2^Q(t) for t >= 0, with Q so smooth that a
/// polynomial of degree 8 is enough: fitted up to t = 8 with the weight F(-t) max(1, t), its error is 2e-8, both of F and
/// of t F(-t). Rounding and the exponential's 2 ulp make at most 2e-7 of it. Q(0) = -1, for F(0) is 0.5; behind 8 it
/// falls on.
/// <code>
///   x F(x) = max(x, 0) - |x| F(-|x|)                          9 multiply-adds, 1 exponential, 2 others
///   F(x) + x f(x), the density f(x) = e^(-x^2 / 2) / sqrt(2 pi)      9, 2 and 6
/// </code>
/// </summary>
static unsafe partial class Ptx
{
    const float Q1 = -1.151106f, Q2 = -0.4591983f, Q3 = -0.05253361f, Q4 = 0.0071268636f, Q5 = -0.00019170273f;
    const float Q6 = -0.00016129407f, Q7 = 3.373784e-5f, Q8 = -2.3349494e-6f;
    const float InverseOfRoot2Pi = 0.39894228f;

    /// <summary>x F(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Gelu(float x)
    {
        float t = Magnitude(x);
        return MultiplyAdd(-t, NormalTail(t), Max(x, 0));
    }

    /// <summary>F(x) + x f(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float GeluDerivative(float x)
    {
        float tail = NormalTail(Magnitude(x));
        float density = Exp2(x * x * (-0.5f * Log2OfE)) * InverseOfRoot2Pi;
        return MultiplyAdd(x, density, x > 0 ? 1 - tail : tail);
    }

    /// <summary>|x|, or 16, from where there is no tail that an infinite one could be multiplied by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Magnitude(float x)
    {
        const float Enough = 16;
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("{ .reg .f32 t; abs.f32 t, %1; min.NaN.f32 %0, t, %2; }", out float result, x, Enough);
            return result;
        }
        return MathF.Min(MathF.Abs(x), Enough);
    }

    /// <summary>F(-t) for t >= 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float NormalTail(float t)
    {
        float q = MultiplyAdd(Q8, t, Q7);
        q = MultiplyAdd(q, t, Q6);
        q = MultiplyAdd(q, t, Q5);
        q = MultiplyAdd(q, t, Q4);
        q = MultiplyAdd(q, t, Q3);
        q = MultiplyAdd(q, t, Q2);
        q = MultiplyAdd(q, t, Q1);
        return Exp2(MultiplyAdd(q, t, -1));
    }
}
