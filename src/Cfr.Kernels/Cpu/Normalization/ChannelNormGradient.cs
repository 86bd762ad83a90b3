using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Backward of a channel norm and its activation over a piece of voxels. With d = x - mean and g = dy act'(d scale +
/// bias): first the sums of g and of g d per channel, then <c>dx = g scale - shift - d slope</c>, where shift and slope
/// carry the two means that the statistics add (0 where they are constants). 8 bytes an element for the sums, 12 for
/// dx.
/// </summary>
static unsafe class ChannelNormGradient<V, TActivation>
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    const int LanesAtMost = 2 * 16;

    /// <summary>Writes [2, channels]: the sums of g, then of g d. Table [3, Tile] as in the forward pass.</summary>
    public static void Sums(ChannelTiling tiling, float* x, float* dy, long voxels, float* table, double* sums)
    {
        int channels = tiling.Channels;
        new Span<double>(sums, 2 * channels).Clear();
        while (voxels >= tiling.TileVoxels)
        {
            int tiles = (int)(Math.Min(voxels, tiling.BlockVoxels) / tiling.TileVoxels);
            BlockSums(x, dy, tiles, tiling.Tile, channels, table, sums);
            x += (long)tiles * tiling.Tile;
            dy += (long)tiles * tiling.Tile;
            voxels -= (long)tiles * tiling.TileVoxels;
        }
        float g = 0;
        float* scale = table + tiling.Tile, bias = scale + tiling.Tile;
        for (; voxels > 0; voxels--, x += channels, dy += channels)
            for (int c = 0; c < channels; c++)
            {
                Lanes1 d = Lanes1.Load(x + c) - Lanes1.Load(table + c);
                Gradient(d, Lanes1.Load(dy + c), scale + c, bias + c).Store(&g);
                sums[c] += g;
                sums[channels + c] += (double)g * (x[c] - table[c]);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void BlockSums(float* x, float* dy, int tiles, int tile, int channels, float* table, double* sums)
    {
        float* sumOfLane = stackalloc float[LanesAtMost];
        float* productOfLane = stackalloc float[LanesAtMost];
        int step = 2 * V.Width;
        for (int column = 0; column < tile; column += step)
        {
            int start = Math.Min(column, tile - step);
            float* mean = table + start, scale = mean + tile, bias = scale + tile;
            float* xAt = x + start, dyAt = dy + start;
            V mean0 = V.Load(mean), mean1 = V.Load(mean + V.Width);
            V s0 = V.Splat(0), s1 = s0, p0 = s0, p1 = s0;
            for (int t = 0; t < tiles; t++, xAt += tile, dyAt += tile)
            {
                V d0 = V.Load(xAt) - mean0, d1 = V.Load(xAt + V.Width) - mean1;
                V g0 = Gradient(d0, V.Load(dyAt), scale, bias);
                V g1 = Gradient(d1, V.Load(dyAt + V.Width), scale + V.Width, bias + V.Width);
                s0 += g0;
                s1 += g1;
                p0 = V.MultiplyAdd(g0, d0, p0);
                p1 = V.MultiplyAdd(g1, d1, p1);
            }
            s0.Store(sumOfLane);
            s1.Store(sumOfLane + V.Width);
            p0.Store(productOfLane);
            p1.Store(productOfLane + V.Width);

            int c = column % channels;
            for (int lane = column - start; lane < step; lane++)
            {
                sums[c] += sumOfLane[lane];
                sums[channels + c] += productOfLane[lane];
                if (++c == channels) c = 0;
            }
        }
    }

    /// <summary>Table [5, Tile]: mean, scale, bias, shift, slope.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input(ChannelTiling tiling, float* x, float* dy, long voxels, float* table, float* dx)
    {
        int tile = tiling.Tile;
        long left = voxels * tiling.Channels;
        for (; left > 0; left -= tile, x += tile, dy += tile, dx += tile)
        {
            int count = (int)Math.Min(left, tile), i = 0;
            for (; i <= count - V.Width; i += V.Width) InputElement<V>(x + i, dy + i, table + i, tile).Store(dx + i);
            for (; i < count; i++) InputElement<Lanes1>(x + i, dy + i, table + i, tile).Store(dx + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T InputElement<T>(float* x, float* dy, float* table, int tile) where T : struct, IVector<T>
    {
        float* scale = table + tile, bias = scale + tile, shift = bias + tile, slope = shift + tile;
        T d = T.Load(x) - T.Load(table);
        T g = Gradient(d, T.Load(dy), scale, bias);
        return g * T.Load(scale) - T.MultiplyAdd(d, T.Load(slope), T.Load(shift));
    }

    /// <summary>dy act'(d scale + bias)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Gradient<T>(T d, T dy, float* scale, float* bias) where T : struct, IVector<T> =>
        dy * TActivation.Derivative(T.MultiplyAdd(d, T.Load(scale), T.Load(bias)));
}
