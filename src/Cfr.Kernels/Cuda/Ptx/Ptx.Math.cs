using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

static unsafe partial class Ptx
{
    const float Ln2 = 0.693147181f, Log2OfE = 1.44269502f, Log2OfELow = 1.92596303e-8f, SmallestExponent = -150;

    /// <summary>
    /// a b + c with one rounding. The emulated sum is rounded to double first, which hardly ever shows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("fma.rn.f32 %0, %1, %2, %3;", out float result, a, b, c);
            return result;
        }
        return (float)((double)a * b + c);
    }

    /// <summary>The upper half of the 64-bit product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint MultiplyHigh(uint a, uint b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mul.hi.u32 %0, %1, %2;", out uint result, a, b);
            return result;
        }
        return (uint)((ulong)a * b >> 32);
    }

    /// <summary>a b + c in 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MultiplyAddWide(int a, int b, long c)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mad.wide.s32 %0, %1, %2, %3;", out long result, a, b, c);
            return result;
        }
        return (long)a * b + c;
    }

    /// <summary>The smaller one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Min(int a, int b) => a < b ? a : b;

    /// <summary>The larger one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Max(int a, int b) => a > b ? a : b;

    /// <summary>The number of the lowest bit that is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LowestBit(uint bits) => ILGPU.IntrinsicMath.BitOperations.TrailingZeroCount(bits);

    /// <summary>Largest whole number at most x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Floor(float x)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cvt.rmi.f32.f32 %0, %1;", out float result, x);
            return result;
        }
        return MathF.Floor(x);
    }

    /// <summary>Square root, correctly rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sqrt(float x)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("sqrt.rn.f32 %0, %1;", out float result, x);
            return result;
        }
        return MathF.Sqrt(x);
    }

    /// <summary>1 / sqrt(x), to 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReciprocalSqrt(float x)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("rsqrt.approx.f32 %0, %1;", out float result, x);
            return result;
        }
        return 1 / MathF.Sqrt(x);
    }

    /// <summary>2^x, to 2 ulp; results that would be subnormal are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("ex2.approx.ftz.f32 %0, %1;", out float result, x);
            return result;
        }
        if (x < -126) return 0;
        float n = MathF.Floor(x < 128 ? x + 0.5f : 0), half = MathF.Floor(n / 2);
        float y = Exponential.Apply(new Lane((x - n) * Ln2)).Value;
        return y * Lane.PowerOfTwo(new Lane(half)).Value * Lane.PowerOfTwo(new Lane(n - half)).Value;
    }

    /// <summary>
    /// e^x for x at most 0 (or NaN) in a fifth of the instructions of <see cref="Exponential"/>: 2^t (1 + r ln 2)
    /// with t the rounded x log2(e) and r what the rounding left. To 3 ulp; results that would be subnormal are 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ExpOfNonPositive(float x)
    {
        x = Max(x, SmallestExponent);
        float t = x * Log2OfE, r = MultiplyAdd(x, Log2OfE, -t) + x * Log2OfELow;
        float y = Exp2(t);
        return MultiplyAdd(y, r * Ln2, y);
    }

    /// <summary>The larger one; NaN if one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("max.NaN.f32 %0, %1, %2;", out float result, a, b);
            return result;
        }
        return MathF.Max(a, b);
    }

    /// <summary>The smaller one; NaN if one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Min(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("min.NaN.f32 %0, %1, %2;", out float result, a, b);
            return result;
        }
        return MathF.Min(a, b);
    }

    /// <summary>
    /// 1 where a &gt; b, else 0; 0 where one is NaN. (ILGPU moves a constant from the left of a C# comparison to its
    /// right, and the comparison then holds for NaN.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greater(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("set.gt.f32.f32 %0, %1, %2;", out float result, a, b);
            return result;
        }
        return a > b ? 1f : 0f;
    }

    /// <summary>1 where a = b, else 0; 0 where one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Equal(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("set.eq.f32.f32 %0, %1, %2;", out float result, a, b);
            return result;
        }
        return a == b ? 1f : 0f;
    }

    /// <summary>
    /// The value, computed here and not later: ILGPU moves what has no side effects to where it is used, also into a
    /// loop, and a quotient that a loop only reads would be divided anew in each round.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Hold(float value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mov.f32 %0, %1;", out float result, value);
            return result;
        }
        return value;
    }

    /// <inheritdoc cref="Hold(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Hold(int value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mov.b32 %0, %1;", out int result, value);
            return result;
        }
        return value;
    }

    /// <inheritdoc cref="Hold(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Hold(long value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mov.b64 %0, %1;", out long result, value);
            return result;
        }
        return value;
    }

    /// <summary>The float of these bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AsFloat(uint bits) => ILGPU.Interop.IntAsFloat(bits);

    /// <summary>The bits of this float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AsBits(float value) => ILGPU.Interop.FloatAsInt(value);
}
