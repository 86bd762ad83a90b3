using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Four neighbouring floats of one GPU thread as a vector, so that a policy applies to a 16-byte packet as a whole.
/// </summary>
unsafe struct Lane4(Lane x, Lane y, Lane z, Lane w) : IGpuVector<Lane4>
{
    public Lane X = x, Y = y, Z = z, W = w;

    public static int Width => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 From(long address)
    {
        Float4 packet = Ptx.Load4(address);
        return new(new(packet.X), new(packet.Y), new(packet.Z), new(packet.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void To(long address) => Ptx.Store4(address, new Float4(X.Value, Y.Value, Z.Value, W.Value));

    /// <summary><see cref="Ptx.Hold(float)"/> of each float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Hold(Lane4 a) => new(
        new(Ptx.Hold(a.X.Value)), new(Ptx.Hold(a.Y.Value)), new(Ptx.Hold(a.Z.Value)), new(Ptx.Hold(a.W.Value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 ExpOfNonPositive(Lane4 x) => new(
        Lane.ExpOfNonPositive(x.X), Lane.ExpOfNonPositive(x.Y), Lane.ExpOfNonPositive(x.Z),
        Lane.ExpOfNonPositive(x.W));

    /// <summary>The address need be no multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Load(float* source) =>
        new(Lane.Load(source), Lane.Load(source + 1), Lane.Load(source + 2), Lane.Load(source + 3));

    /// <summary>The address need be no multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target)
    {
        X.Store(target);
        Y.Store(target + 1);
        Z.Store(target + 2);
        W.Store(target + 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Splat(float value) => new(new(value), new(value), new(value), new(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 operator +(Lane4 a, Lane4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 operator -(Lane4 a, Lane4 b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 operator *(Lane4 a, Lane4 b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 operator /(Lane4 a, Lane4 b) => new(a.X / b.X, a.Y / b.Y, a.Z / b.Z, a.W / b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 MultiplyAdd(Lane4 a, Lane4 b, Lane4 c) => new(
        Lane.MultiplyAdd(a.X, b.X, c.X), Lane.MultiplyAdd(a.Y, b.Y, c.Y),
        Lane.MultiplyAdd(a.Z, b.Z, c.Z), Lane.MultiplyAdd(a.W, b.W, c.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(ref Lane4 sum, Lane4 a, Lane4 b) => sum = MultiplyAdd(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Max(Lane4 a, Lane4 b) =>
        new(Lane.Max(a.X, b.X), Lane.Max(a.Y, b.Y), Lane.Max(a.Z, b.Z), Lane.Max(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Min(Lane4 a, Lane4 b) =>
        new(Lane.Min(a.X, b.X), Lane.Min(a.Y, b.Y), Lane.Min(a.Z, b.Z), Lane.Min(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Sqrt(Lane4 a) => new(Lane.Sqrt(a.X), Lane.Sqrt(a.Y), Lane.Sqrt(a.Z), Lane.Sqrt(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Abs(Lane4 a) => new(Lane.Abs(a.X), Lane.Abs(a.Y), Lane.Abs(a.Z), Lane.Abs(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Floor(Lane4 a) => new(Lane.Floor(a.X), Lane.Floor(a.Y), Lane.Floor(a.Z), Lane.Floor(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 PowerOfTwo(Lane4 n) =>
        new(Lane.PowerOfTwo(n.X), Lane.PowerOfTwo(n.Y), Lane.PowerOfTwo(n.Z), Lane.PowerOfTwo(n.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Mantissa(Lane4 x, out Lane4 exponent)
    {
        Lane4 mantissa = new(
            Lane.Mantissa(x.X, out Lane e0), Lane.Mantissa(x.Y, out Lane e1),
            Lane.Mantissa(x.Z, out Lane e2), Lane.Mantissa(x.W, out Lane e3));
        exponent = new(e0, e1, e2, e3);
        return mantissa;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Greater(Lane4 a, Lane4 b) => new(
        Lane.Greater(a.X, b.X), Lane.Greater(a.Y, b.Y), Lane.Greater(a.Z, b.Z), Lane.Greater(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Equal(Lane4 a, Lane4 b) =>
        new(Lane.Equal(a.X, b.X), Lane.Equal(a.Y, b.Y), Lane.Equal(a.Z, b.Z), Lane.Equal(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane4 Select(Lane4 mask, Lane4 whenTrue, Lane4 whenFalse) => new(
        Lane.Select(mask.X, whenTrue.X, whenFalse.X), Lane.Select(mask.Y, whenTrue.Y, whenFalse.Y),
        Lane.Select(mask.Z, whenTrue.Z, whenFalse.Z), Lane.Select(mask.W, whenTrue.W, whenFalse.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lane4 a) => a.X.Value + a.Y.Value + (a.Z.Value + a.W.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lane4 a) => Lane.Max(Lane.Max(a.X, a.Y), Lane.Max(a.Z, a.W)).Value;
}
