using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What a thread moves at once: one float, or four side by side where rows and addresses consist of them.</summary>
interface IPacket<P> where P : struct, IPacket<P>
{
    /// <summary>1 or 4.</summary>
    static abstract int Floats { get; }

    static abstract P Load(long address);

    void Store(long address);

    static abstract P operator +(P a, P b);

    /// <summary>sum + weight value, fused.</summary>
    static abstract P AddProduct(P sum, float weight, P value);
}

/// <summary>A packet of one float.</summary>
unsafe struct Float1(float value) : IPacket<Float1>
{
    public float X = value;

    public static int Floats => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float1 Load(long address) => new(*(float*)address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(long address) => *(float*)address = X;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float1 operator +(Float1 a, Float1 b) => new(a.X + b.X);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float1 AddProduct(Float1 sum, float weight, Float1 value) =>
        new(Ptx.MultiplyAdd(weight, value.X, sum.X));
}

/// <summary>A packet of four.</summary>
partial struct Float4 : IPacket<Float4>
{
    public static int Floats => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load(long address) => Ptx.Load4(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(long address) => Ptx.Store4(address, this);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator +(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 AddProduct(Float4 sum, float weight, Float4 value) => new(
        Ptx.MultiplyAdd(weight, value.X, sum.X), Ptx.MultiplyAdd(weight, value.Y, sum.Y),
        Ptx.MultiplyAdd(weight, value.Z, sum.Z), Ptx.MultiplyAdd(weight, value.W, sum.W));
}
