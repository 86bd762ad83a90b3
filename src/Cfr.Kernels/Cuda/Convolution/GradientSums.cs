using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A lane's part of 16 input by 16 output channels of one tap: rows g and g + 8 (g = lane / 4), two pairs of
/// neighbouring columns, where the product says.
/// </summary>
struct TapSums
{
    public Sums Left, Right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TapSums Add(SharedBytes shared, TapSums sums, uint place) =>
        new() { Left = Add(shared, sums.Left, place), Right = Add(shared, sums.Right, place + LaneBytes * 32) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, TapSums sums, uint place)
    {
        Spill(shared, sums.Left, place);
        Spill(shared, sums.Right, place + LaneBytes * 32);
    }

    public const int LaneBytes = 16, Bytes = 2 * LaneBytes * 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(SharedBytes shared, Sums sums, uint place)
    {
        Float4 other = shared.Load4(place);
        return new Sums { X = sums.X + other.X, Y = sums.Y + other.Y, Z = sums.Z + other.Z, W = sums.W + other.W };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spill(SharedBytes shared, Sums sums, uint place)
    {
        shared.Store2(place, sums.X, sums.Y);
        shared.Store2(place + 8, sums.Z, sums.W);
    }
}

/// <summary>The sums of nine taps, (kh, kw); 72 registers.</summary>
struct NineTaps
{
    public TapSums T00, T01, T02, T10, T11, T12, T20, T21, T22;

    /// <summary>Bytes of a warp's sums in shared memory.</summary>
    public const int Bytes = 9 * TapSums.Bytes;

    /// <summary>Lays a warp's sums out in shared memory; the place includes the lane's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, NineTaps sums, uint place)
    {
        TapSums.Spill(shared, sums.T00, place);
        TapSums.Spill(shared, sums.T01, place + TapSums.Bytes);
        TapSums.Spill(shared, sums.T02, place + 2 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T10, place + 3 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T11, place + 4 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T12, place + 5 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T20, place + 6 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T21, place + 7 * TapSums.Bytes);
        TapSums.Spill(shared, sums.T22, place + 8 * TapSums.Bytes);
    }

    /// <summary>Adds what another warp laid out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NineTaps Add(SharedBytes shared, NineTaps sums, uint place) => new()
    {
        T00 = TapSums.Add(shared, sums.T00, place),
        T01 = TapSums.Add(shared, sums.T01, place + TapSums.Bytes),
        T02 = TapSums.Add(shared, sums.T02, place + 2 * TapSums.Bytes),
        T10 = TapSums.Add(shared, sums.T10, place + 3 * TapSums.Bytes),
        T11 = TapSums.Add(shared, sums.T11, place + 4 * TapSums.Bytes),
        T12 = TapSums.Add(shared, sums.T12, place + 5 * TapSums.Bytes),
        T20 = TapSums.Add(shared, sums.T20, place + 6 * TapSums.Bytes),
        T21 = TapSums.Add(shared, sums.T21, place + 7 * TapSums.Bytes),
        T22 = TapSums.Add(shared, sums.T22, place + 8 * TapSums.Bytes),
    };
}
