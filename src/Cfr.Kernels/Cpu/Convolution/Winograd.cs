using System.Runtime.CompilerServices;

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

    /// <summary>Pairs of outputs in a row of <paramref name="width"/>.</summary>
    public static int Pairs(int width) => (width + 1) / 2;

    /// <summary>Whether a convolution of these sizes gains by it.</summary>
    public static bool Fits(Extent kernel, Extent stride, int inChannels, int outputWidth) =>
        kernel.W == Taps && stride == new Extent(1, 1, 1) && outputWidth >= ShortestRow && inChannels >= V.Width;

    /// <summary>Value <paramref name="product"/> of v, for a row's pairs.</summary>
    /// <param name="product">0 to 3.</param>
    /// <param name="row">Voxels of the input, the channels wanted first.</param>
    /// <param name="width">Number of voxels; what lies beyond them is 0.</param>
    /// <param name="step">Floats from voxel to voxel.</param>
    /// <param name="offset">The voxel with which the first pair begins: minus the padding.</param>
    /// <param name="pairs">Number of pairs.</param>
    /// <param name="channels">Number of channels, at least <c>V.Width</c>.</param>
    /// <param name="zeros">As many zeros.</param>
    /// <param name="v">Receives [pairs, channels].</param>
    public static void Inputs(
        int product, float* row, int width, int step, int offset, int pairs, int channels, float* zeros, float* v)
    {
        int first = product switch { 0 => 0, 2 => 2, _ => 1 }, second = product switch { 2 => 1, 3 => 3, _ => 2 };
        for (int pair = 0, w = offset; pair < pairs; pair++, w += 2, v += channels)
        {
            float* a = At(w + first), b = At(w + second);
            if (product == 1)
                for (int c = 0; c < channels; c += V.Width)
                    (V.Load(a + Whole(c, channels)) + V.Load(b + Whole(c, channels))).Store(v + Whole(c, channels));
            else
                for (int c = 0; c < channels; c += V.Width)
                    (V.Load(a + Whole(c, channels)) - V.Load(b + Whole(c, channels))).Store(v + Whole(c, channels));
        }

        float* At(int w) => (uint)w < (uint)width ? row + (long)w * step : zeros;
    }

    /// <summary>
    /// The gradient of m for product <paramref name="product"/>, for a row's pairs: dy0, dy0 + dy1, dy0 - dy1, -dy1; the
    /// last one without its sign.
    /// </summary>
    /// <param name="product">0 to 3.</param>
    /// <param name="row">Output gradients, the channels wanted first.</param>
    /// <param name="width">Number of voxels; behind an odd one stands 0.</param>
    /// <param name="step">Floats from voxel to voxel.</param>
    /// <param name="lanes">Number of channels.</param>
    /// <param name="panelWidth">Floats of a pair in dm: lanes rounded up to vectors.</param>
    /// <param name="dm">Receives [pairs, panelWidth].</param>
    public static void OutputGradients(
        int product, float* row, int width, int step, int lanes, int panelWidth, float* dm)
    {
        for (int w = 0; w < width; w += 2, dm += panelWidth)
            for (int lane = 0; lane < panelWidth; lane += V.Width)
            {
                float* source = row + (long)w * step + lane;
                V even = product == 3 ? V.Splat(0) : PartialVector<V>.Load(source, lanes - lane);
                V odd = product == 0 || w + 1 == width
                    ? V.Splat(0)
                    : PartialVector<V>.Load(source + step, lanes - lane);
                (product == 2 ? even - odd : even + odd).Store(dm + lane);
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

    /// <summary>Start of a vector from channel c on that ends inside the channels: the last may begin early.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Whole(int c, int channels) => Math.Min(c, channels - V.Width);
}
