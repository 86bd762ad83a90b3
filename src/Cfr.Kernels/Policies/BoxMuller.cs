using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// Two standard normal numbers from two uniform ones (Box and Muller 1958):
/// z0 = sqrt(-2 log u) cos(2 pi v), z1 = sqrt(-2 log u) sin(2 pi v), u in (0, 1], v in [0, 1), both of 24 bits.
/// </summary>
static class BoxMuller
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V u, V v, out V first, out V second) where V : struct, IVector<V>
    {
        V radius = V.Sqrt(Logarithm.Apply(u) * V.Splat(-2));
        Trigonometry.SinCosOfTurns(v, out V sin, out V cos);
        first = radius * cos;
        second = radius * sin;
    }
}
