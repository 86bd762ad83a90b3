using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What becomes of the four uniform numbers of a block.</summary>
interface IDraw
{
    /// <summary>Whether there is an x to read.</summary>
    static abstract bool ReadsX { get; }

    static abstract Float4 Apply(Float4 u, Float4 x, float p, float q);
}

/// <summary>p u + q</summary>
readonly struct DrawUniform : IDraw
{
    public static bool ReadsX => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Apply(Float4 u, Float4 x, float p, float q) => new(
        Ptx.MultiplyAdd(u.X, p, q), Ptx.MultiplyAdd(u.Y, p, q), Ptx.MultiplyAdd(u.Z, p, q), Ptx.MultiplyAdd(u.W, p, q));
}

/// <summary>p z + q, z normal, two numbers from two.</summary>
readonly struct DrawNormal : IDraw
{
    public static bool ReadsX => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Apply(Float4 u, Float4 x, float p, float q)
    {
        BoxMuller.Apply(new Lane(u.X + Philox.UnitOf24Bits), new Lane(u.Y), out Lane z0, out Lane z1);
        BoxMuller.Apply(new Lane(u.Z + Philox.UnitOf24Bits), new Lane(u.W), out Lane z2, out Lane z3);
        return DrawUniform.Apply(new Float4(z0.Value, z1.Value, z2.Value, z3.Value), x, p, q);
    }
}

/// <summary>q x where u is at least p, else 0, whatever x is.</summary>
readonly struct DrawDropout : IDraw
{
    public static bool ReadsX => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Apply(Float4 u, Float4 x, float p, float q) => new(
        p > u.X ? 0 : x.X * q, p > u.Y ? 0 : x.Y * q, p > u.Z ? 0 : x.Z * q, p > u.W ? 0 : x.W * q);
}

/// <summary>q where u is at least p, else 0.</summary>
readonly struct DrawMask : IDraw
{
    public static bool ReadsX => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Apply(Float4 u, Float4 x, float p, float q) => new(
        p > u.X ? 0 : q, p > u.Y ? 0 : q, p > u.Z ? 0 : q, p > u.W ? 0 : q);
}
