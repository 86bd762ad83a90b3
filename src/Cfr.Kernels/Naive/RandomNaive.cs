using System.Numerics;

namespace Cfr.Kernels;

/// <summary>Random numbers and dropout, one number at a time.</summary>
static class RandomNaive
{
    /// <summary>Number i of a stream: word i % 4 of block i / 4, cut to 24 bits, in [0, 1).</summary>
    public static T Uniform<T>(RandomKey key, long i) where T : IFloatingPointIeee754<T>
    {
        var (w0, w1, w2, w3) = Philox.Block((ulong)(i / Philox.Words), key.StreamOnHost, key.Seed);
        uint word = (i % Philox.Words) switch { 0 => w0, 1 => w1, 2 => w2, _ => w3 };
        return T.CreateChecked(word >> 8) / T.CreateChecked(1 << 24);
    }

    /// <summary>
    /// z[2i] = sqrt(-2 log u) cos(2 pi v), z[2i + 1] = sqrt(-2 log u) sin(2 pi v), u in (0, 1] and v in [0, 1)
    /// </summary>
    public static T Normal<T>(RandomKey key, long i) where T : IFloatingPointIeee754<T>
    {
        T u = Uniform<T>(key, i & ~1L) + T.CreateChecked(Philox.UnitOf24Bits), v = Uniform<T>(key, i | 1);
        T radius = T.Sqrt(T.CreateChecked(-2) * T.Log(u)), angle = T.Tau * v;
        return radius * (i % 2 == 0 ? T.Cos(angle) : T.Sin(angle));
    }

    /// <summary>y[o, m, i] = x[o, m, i] / (1 - rate) where number o inner + i is at least rate, else 0</summary>
    public static void Dropout<T>(RandomKey key, T rate, int outer, int middle, int inner, ReadOnlySpan<T> x, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        for (int o = 0; o < outer; o++)
            for (int m = 0; m < middle; m++)
                for (int i = 0; i < inner; i++)
                {
                    int place = (o * middle + m) * inner + i;
                    y[place] = Uniform<T>(key, o * inner + i) >= rate ? x[place] / (T.One - rate) : T.Zero;
                }
    }
}
