using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A vector of a GPU thread. Where it moves as a whole, its address is a number: inline PTX takes no pointers.
/// </summary>
interface IDeviceVector<V> : IVector<V> where V : struct, IDeviceVector<V>
{
    static abstract V LoadFrom(long address);

    void StoreTo(long address);

    /// <summary>Loads bfloat16.</summary>
    static abstract V LoadHalves(long address);

    /// <summary>Rounds to bfloat16, to nearest, ties to even.</summary>
    void StoreHalves(long address);

    /// <summary><see cref="Ptx.ExpOfNonPositive"/> of each float.</summary>
    static abstract V ExpOfNonPositive(V x);
}

/// <summary>
/// Four floats of a GPU thread side by side, moved by one 16-byte instruction: policies written over vectors run on it
/// as they run on a processor's. Its addresses are multiples of 16, or of 8 where they are bfloat16's.
/// </summary>
unsafe struct FourLanes(Lane x, Lane y, Lane z, Lane w) : IDeviceVector<FourLanes>
{
    public Lane X = x, Y = y, Z = z, W = w;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourLanes(Float4 value) : this(new(value.X), new(value.Y), new(value.Z), new(value.W)) { }

    public static int Width => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Load(float* source) => new(*(Float4*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Splat(float value) => new(new(value), new(value), new(value), new(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target) => *(Float4*)target = new Float4(X.Value, Y.Value, Z.Value, W.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes LoadFrom(long address) => new(Ptx.Load4(address));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreTo(long address) => Ptx.Store4(address, new Float4(X.Value, Y.Value, Z.Value, W.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes LoadHalves(long address)
    {
        ulong halves = *(ulong*)address;
        uint low = (uint)halves, high = (uint)(halves >> 32);
        return new(
            new(Ptx.LowBFloat16(low)), new(Ptx.HighBFloat16(low)), new(Ptx.LowBFloat16(high)),
            new(Ptx.HighBFloat16(high)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreHalves(long address) => *(ulong*)address =
        Ptx.ToBFloat16Pair(X.Value, Y.Value) | (ulong)Ptx.ToBFloat16Pair(Z.Value, W.Value) << 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes ExpOfNonPositive(FourLanes x) => new(
        Lane.ExpOfNonPositive(x.X), Lane.ExpOfNonPositive(x.Y), Lane.ExpOfNonPositive(x.Z),
        Lane.ExpOfNonPositive(x.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Gelu(FourLanes x) =>
        new(Lane.Gelu(x.X), Lane.Gelu(x.Y), Lane.Gelu(x.Z), Lane.Gelu(x.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes GeluDerivative(FourLanes x) => new(
        Lane.GeluDerivative(x.X), Lane.GeluDerivative(x.Y), Lane.GeluDerivative(x.Z), Lane.GeluDerivative(x.W));

    /// <summary><see cref="Ptx.Hold(float)"/> of each float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Hold(FourLanes a) => new(
        new(Ptx.Hold(a.X.Value)), new(Ptx.Hold(a.Y.Value)), new(Ptx.Hold(a.Z.Value)), new(Ptx.Hold(a.W.Value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator +(FourLanes a, FourLanes b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator -(FourLanes a, FourLanes b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator *(FourLanes a, FourLanes b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator /(FourLanes a, FourLanes b) => new(a.X / b.X, a.Y / b.Y, a.Z / b.Z, a.W / b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes MultiplyAdd(FourLanes a, FourLanes b, FourLanes c) => new(
        Lane.MultiplyAdd(a.X, b.X, c.X), Lane.MultiplyAdd(a.Y, b.Y, c.Y), Lane.MultiplyAdd(a.Z, b.Z, c.Z),
        Lane.MultiplyAdd(a.W, b.W, c.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(ref FourLanes sum, FourLanes a, FourLanes b) => sum = MultiplyAdd(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Max(FourLanes a, FourLanes b) =>
        new(Lane.Max(a.X, b.X), Lane.Max(a.Y, b.Y), Lane.Max(a.Z, b.Z), Lane.Max(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Min(FourLanes a, FourLanes b) =>
        new(Lane.Min(a.X, b.X), Lane.Min(a.Y, b.Y), Lane.Min(a.Z, b.Z), Lane.Min(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Sqrt(FourLanes a) => new(Lane.Sqrt(a.X), Lane.Sqrt(a.Y), Lane.Sqrt(a.Z), Lane.Sqrt(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Abs(FourLanes a) => new(Lane.Abs(a.X), Lane.Abs(a.Y), Lane.Abs(a.Z), Lane.Abs(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Floor(FourLanes a) =>
        new(Lane.Floor(a.X), Lane.Floor(a.Y), Lane.Floor(a.Z), Lane.Floor(a.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes PowerOfTwo(FourLanes n) =>
        new(Lane.PowerOfTwo(n.X), Lane.PowerOfTwo(n.Y), Lane.PowerOfTwo(n.Z), Lane.PowerOfTwo(n.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Mantissa(FourLanes x, out FourLanes exponent)
    {
        var mantissa = new FourLanes(
            Lane.Mantissa(x.X, out Lane ex), Lane.Mantissa(x.Y, out Lane ey), Lane.Mantissa(x.Z, out Lane ez),
            Lane.Mantissa(x.W, out Lane ew));
        exponent = new FourLanes(ex, ey, ez, ew);
        return mantissa;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Greater(FourLanes a, FourLanes b) =>
        new(Lane.Greater(a.X, b.X), Lane.Greater(a.Y, b.Y), Lane.Greater(a.Z, b.Z), Lane.Greater(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Equal(FourLanes a, FourLanes b) =>
        new(Lane.Equal(a.X, b.X), Lane.Equal(a.Y, b.Y), Lane.Equal(a.Z, b.Z), Lane.Equal(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Select(FourLanes mask, FourLanes whenTrue, FourLanes whenFalse) => new(
        Lane.Select(mask.X, whenTrue.X, whenFalse.X), Lane.Select(mask.Y, whenTrue.Y, whenFalse.Y),
        Lane.Select(mask.Z, whenTrue.Z, whenFalse.Z), Lane.Select(mask.W, whenTrue.W, whenFalse.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(FourLanes a) => a.X.Value + a.Y.Value + (a.Z.Value + a.W.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(FourLanes a) => Ptx.Max(Ptx.Max(a.X.Value, a.Y.Value), Ptx.Max(a.Z.Value, a.W.Value));
}
