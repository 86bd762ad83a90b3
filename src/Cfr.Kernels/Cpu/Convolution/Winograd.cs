namespace Cfr.Kernels.Cpu;

/// <summary>
/// Winograd's F(2, 3) along W: two neighbouring outputs of a kernel of 3 taps from 4 products instead of 6 (Lavin and
/// Gray 2015, "Fast algorithms for convolutional neural networks"). For taps g, inputs d of one channel
/// <code>
///   v = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)
///   u = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)
///   m = u v                         summed over the channels and the taps along D and H
///   y = (m0 + m1 + m2, m1 - m2 - m3)
/// </code>
/// Each of the four products is a convolution with a kernel of 1 along W: a tile of the direct kernel. An output depends
/// on the same inputs as it does directly, and its rounding error is about twice as large.
/// </summary>
static unsafe class Winograd<V> where V : struct, IVector<V>
{
    /// <summary>Products of a pair of outputs.</summary>
    public const int Products = 4;

    /// <summary>Taps along W.</summary>
    public const int Taps = 3;

    /// <summary>Shorter rows leave too few pairs, and too much of them is padding.</summary>
    const int ShortestRow = 8;

    /// <summary>Fewer input channels would not repay the transforms.</summary>
    const int FewestChannels = 8;

    /// <summary>Pairs of outputs in a row of <paramref name="width"/>.</summary>
    public static int Pairs(int width) => (width + 1) / 2;

    /// <summary>Whether a convolution of these sizes gains by it.</summary>
    public static bool Fits(Extent kernel, Extent stride, int inChannels, int outputWidth) =>
        kernel.W == Taps && stride == new Extent(1, 1, 1) && outputWidth >= ShortestRow && inChannels >= FewestChannels;

    /// <summary>The terms of v, value by value.</summary>
    public static PairTerms Inputs(int product) => product switch
    {
        0 => new(0, 2, -1),
        1 => new(1, 2, 1),
        2 => new(2, 1, -1),
        _ => new(1, 3, -1),
    };

    /// <summary>The terms of m's gradient (dy0, dy0 + dy1, dy0 - dy1, dy1); the last one lacks its sign.</summary>
    public static PairTerms OutputGradients(int product) => product switch
    {
        0 => new(0, 1, 0),
        1 => new(0, 1, 1),
        2 => new(0, 1, -1),
        _ => new(1, 0, 0),
    };

    /// <summary>What the terms say for all pairs of a row.</summary>
    /// <param name="terms">Which voxels of a pair are added.</param>
    /// <param name="row">The row's voxels, the channels wanted first.</param>
    /// <param name="width">Number of voxels; what lies beyond them is 0.</param>
    /// <param name="step">Floats from voxel to voxel.</param>
    /// <param name="offset">The voxel with which the first pair begins.</param>
    /// <param name="pairs">Number of pairs.</param>
    /// <param name="channels">Number of channels.</param>
    /// <param name="zeros">As many zeros.</param>
    /// <param name="target">Receives [pairs, channels rounded up to vectors], zeros in the lanes added.</param>
    public static void Transform(
        PairTerms terms, float* row, int width, int step, int offset, int pairs, int channels, float* zeros,
        float* target)
    {
        int lowest = Math.Min(terms.First, terms.Second), highest = Math.Max(terms.First, terms.Second);
        int begin = Math.Clamp((1 - offset - lowest) / 2, 0, pairs);
        int end = Math.Clamp((width - 1 - offset - highest) / 2 + 1, begin, pairs);
        int padded = Padded(channels);
        for (int pair = 0; pair < begin; pair++) Border(pair);
        float* a = row + (2L * begin + offset + terms.First) * step;
        float* b = row + (2L * begin + offset + terms.Second) * step;
        Sums(a, b, 2L * step, end - begin, channels, terms.Sign, target + (long)begin * padded);
        for (int pair = end; pair < pairs; pair++) Border(pair);

        void Border(int pair)
        {
            int w = 2 * pair + offset;
            Sums(At(w + terms.First), At(w + terms.Second), 0, 1, channels, terms.Sign, target + (long)pair * padded);
        }

        float* At(int w) => (uint)w < (uint)width ? row + (long)w * step : zeros;
    }

    /// <summary>Channels of a transformed voxel: whole vectors.</summary>
    public static int Padded(int channels) => (channels + V.Width - 1) / V.Width * V.Width;

    /// <summary>target = a + sign b, for each pair.</summary>
    static void Sums(float* a, float* b, long step, int pairs, int channels, float sign, float* target)
    {
        V factor = V.Splat(sign);
        int whole = channels - channels % V.Width;
        for (int pair = 0; pair < pairs; pair++, a += step, b += step)
        {
            for (int c = 0; c < whole; c += V.Width, target += V.Width)
                V.MultiplyAdd(factor, V.Load(b + c), V.Load(a + c)).Store(target);
            if (whole == channels) continue;
            V tail = PartialVector<V>.Load(a + whole, channels - whole);
            V.AddProduct(ref tail, factor, PartialVector<V>.Load(b + whole, channels - whole));
            tail.Store(target);
            target += V.Width;
        }
    }

    /// <summary>
    /// u of one panel of packed weights [kd, kh, 3, in channel, width] as [product, kd, kh, in channel, width].
    /// </summary>
    public static void Weights(float* packed, int planes, long planeFloats, float* u)
    {
        V half = V.Splat(0.5f);
        long productFloats = planes * planeFloats;
        for (int plane = 0; plane < planes; plane++, packed += Taps * planeFloats, u += planeFloats)
            for (long i = 0; i < planeFloats; i += V.Width)
            {
                V g0 = V.Load(packed + i), g1 = V.Load(packed + planeFloats + i);
                V g2 = V.Load(packed + 2 * planeFloats + i), ends = g0 + g2;
                g0.Store(u + i);
                ((ends + g1) * half).Store(u + productFloats + i);
                ((ends - g1) * half).Store(u + 2 * productFloats + i);
                g2.Store(u + 3 * productFloats + i);
            }
    }
}

/// <summary>A sum over a pair: voxel First of it + Sign times voxel Second.</summary>
readonly record struct PairTerms(int First, int Second, float Sign);
