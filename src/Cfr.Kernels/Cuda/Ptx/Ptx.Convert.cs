using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

static unsafe partial class Ptx
{
    /// <summary>
    /// Rounds two floats to bfloat16, to nearest, ties to even; <paramref name="low"/> lands in the lower half.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToBFloat16Pair(float low, float high)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cvt.rn.bf16x2.f32 %0, %1, %2;", out uint pair, high, low);
            return pair;
        }
        return RoundToBFloat16(low) | RoundToBFloat16(high) << 16;
    }

    /// <summary>The float of a bfloat16 in the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LowBFloat16(uint pair) => AsFloat(pair << 16);

    /// <summary>The float of a bfloat16 in the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HighBFloat16(uint pair) => AsFloat(pair & 0xffff0000);

    /// <summary>
    /// Rounds a float to 10 bits of mantissa, to nearest, ties away from zero: a factor for tensor cores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToTf32(uint bits)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cvt.rna.tf32.f32 %0, %1;", out uint result, AsFloat(bits));
            return result;
        }
        bool isFinite = (bits & 0x7f800000) != 0x7f800000;
        return isFinite ? (bits + 0x1000) & 0xffffe000 : bits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint RoundToBFloat16(float value)
    {
        uint bits = AsBits(value);
        return float.IsNaN(value) ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    }
}
