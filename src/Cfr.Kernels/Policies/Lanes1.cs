using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>One lane: the tail of a row, or a GPU thread. Masks are 1 and 0.</summary>
unsafe struct Lanes1(float value) : IVector<Lanes1>
{
    float _value = value;

    public static int Width => 1;

    public static Lanes1 Load(float* source) => new(*source);

    public static Lanes1 Splat(float value) => new(value);

    public void Store(float* target) => *target = _value;

    public static Lanes1 operator +(Lanes1 a, Lanes1 b) => new(a._value + b._value);

    public static Lanes1 operator -(Lanes1 a, Lanes1 b) => new(a._value - b._value);

    public static Lanes1 operator *(Lanes1 a, Lanes1 b) => new(a._value * b._value);

    public static Lanes1 operator /(Lanes1 a, Lanes1 b) => new(a._value / b._value);

    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new(a._value * b._value + c._value);

    public static void AddProduct(ref Lanes1 sum, Lanes1 a, Lanes1 b) =>
        sum._value = a._value * b._value + sum._value;

    public static Lanes1 Max(Lanes1 a, Lanes1 b) => new(MathF.Max(a._value, b._value));

    public static Lanes1 Min(Lanes1 a, Lanes1 b) => new(MathF.Min(a._value, b._value));

    public static Lanes1 Sqrt(Lanes1 a) => new(MathF.Sqrt(a._value));

    public static Lanes1 Abs(Lanes1 a) => new(MathF.Abs(a._value));

    public static Lanes1 Floor(Lanes1 a) => new(MathF.Floor(a._value));

    public static Lanes1 PowerOfTwo(Lanes1 n) => new(Unsafe.BitCast<int, float>((int)n._value + 127 << 23));

    public static Lanes1 Mantissa(Lanes1 x, out Lanes1 exponent)
    {
        int bits = Unsafe.BitCast<float, int>(x._value);
        exponent = new((bits >> 23) - 127);
        return new(Unsafe.BitCast<int, float>(bits & 0x007fffff | 0x3f800000));
    }

    public static Lanes1 Greater(Lanes1 a, Lanes1 b) => new(a._value > b._value ? 1 : 0);

    public static Lanes1 Equal(Lanes1 a, Lanes1 b) => new(a._value == b._value ? 1 : 0);

    public static Lanes1 Select(Lanes1 mask, Lanes1 whenTrue, Lanes1 whenFalse) =>
        mask._value != 0 ? whenTrue : whenFalse;

    public static float Sum(Lanes1 a) => a._value;

    public static float Largest(Lanes1 a) => a._value;
}
