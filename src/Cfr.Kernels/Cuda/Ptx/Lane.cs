using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A GPU thread as a vector of one lane: what lets the policies (activations, element-wise functions, random numbers)
/// be the same text on the CPU and on the GPU. Masks are 1 and 0; ptxas turns them back into predicates.
/// </summary>
unsafe struct Lane(float value) : IDeviceVector<Lane>
{
    public float Value = value;

    public static int Width => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Splat(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target) => *target = Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane LoadFrom(long address) => new(*(float*)address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreTo(long address) => *(float*)address = Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane LoadHalves(long address) => new(Ptx.LowBFloat16(*(ushort*)address));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreHalves(long address) => *(ushort*)address = (ushort)Ptx.ToBFloat16Pair(Value, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane ExpOfNonPositive(Lane x) => new(Ptx.ExpOfNonPositive(x.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Gelu(Lane x) => new(Ptx.Gelu(x.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane GeluDerivative(Lane x) => new(Ptx.GeluDerivative(x.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane operator +(Lane a, Lane b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane operator -(Lane a, Lane b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane operator *(Lane a, Lane b) => new(a.Value * b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane operator /(Lane a, Lane b) => new(a.Value / b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane MultiplyAdd(Lane a, Lane b, Lane c) => new(Ptx.MultiplyAdd(a.Value, b.Value, c.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(ref Lane sum, Lane a, Lane b) => sum = MultiplyAdd(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Max(Lane a, Lane b) => new(Ptx.Max(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Min(Lane a, Lane b) => new(Ptx.Min(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Sqrt(Lane a) => new(Ptx.Sqrt(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Abs(Lane a) => new(Ptx.AsFloat(Ptx.AsBits(a.Value) & 0x7fffffff));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Floor(Lane a) => new(Ptx.Floor(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane PowerOfTwo(Lane n) => new(Ptx.AsFloat((uint)((int)n.Value + 127 << 23)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Mantissa(Lane x, out Lane exponent)
    {
        int bits = (int)Ptx.AsBits(x.Value);
        exponent = new((bits >> 23) - 127);
        return new(Ptx.AsFloat((uint)(bits & 0x007fffff | 0x3f800000)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Greater(Lane a, Lane b) => new(Ptx.Greater(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Equal(Lane a, Lane b) => new(Ptx.Equal(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Select(Lane mask, Lane whenTrue, Lane whenFalse) =>
        mask.Value != 0 ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lane a) => a.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lane a) => a.Value;
}
