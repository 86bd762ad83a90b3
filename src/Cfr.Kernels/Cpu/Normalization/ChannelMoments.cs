using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Sum and sum of squares of each channel over a piece of voxels, to about single precision whatever the mean. Within a
/// block each lane sums twice: first x, then d = x - m with its own mean m, from the cache. n values of a lane then
/// give, in double, <c>sum x = n m + sum d</c> and <c>sum x^2 = sum d^2 + 2 m sum d + n m^2</c>, so that subtracting
/// mean^2 later costs only digits that double has to spare. Reads x once from memory: 4 bytes and 4 FLOP an element.
/// </summary>
static unsafe class ChannelMoments<V> where V : struct, IVector<V>
{
    const int LanesAtMost = ChannelTiling.VectorsAtOnce * 16;

    /// <summary>Writes [2, channels]: the sums, then the sums of squares.</summary>
    public static void Piece(ChannelTiling tiling, float* x, long voxels, double* sums)
    {
        int channels = tiling.Channels;
        double* squares = sums + channels;
        new Span<double>(sums, 2 * channels).Clear();
        while (voxels >= tiling.TileVoxels)
        {
            int tiles = (int)(Math.Min(voxels, tiling.BlockVoxels) / tiling.TileVoxels);
            Block(x, tiles, tiling.Tile, channels, sums, squares);
            x += (long)tiles * tiling.Tile;
            voxels -= (long)tiles * tiling.TileVoxels;
        }
        for (; voxels > 0; voxels--, x += channels)
            for (int c = 0; c < channels; c++)
            {
                sums[c] += x[c];
                squares[c] += (double)x[c] * x[c];
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Block(float* x, int tiles, int tile, int channels, double* sums, double* squares)
    {
        float* mean = stackalloc float[LanesAtMost];
        float* sumOfLane = stackalloc float[LanesAtMost];
        float* squaresOfLane = stackalloc float[LanesAtMost];
        int step = ChannelTiling.VectorsAtOnce * V.Width;
        V share = V.Splat(1f / tiles);
        for (int column = 0; column < tile; column += step)
        {
            int start = Math.Min(column, tile - step);
            float* at = x + start;
            V m0 = V.Splat(0), m1 = m0, m2 = m0, m3 = m0;
            for (int t = 0; t < tiles; t++, at += tile)
            {
                m0 += V.Load(at);
                m1 += V.Load(at + V.Width);
                m2 += V.Load(at + 2 * V.Width);
                m3 += V.Load(at + 3 * V.Width);
            }
            m0 *= share;
            m1 *= share;
            m2 *= share;
            m3 *= share;

            V s0 = V.Splat(0), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
            at = x + start;
            for (int t = 0; t < tiles; t++, at += tile)
            {
                V d0 = V.Load(at) - m0, d1 = V.Load(at + V.Width) - m1;
                V d2 = V.Load(at + 2 * V.Width) - m2, d3 = V.Load(at + 3 * V.Width) - m3;
                s0 += d0;
                s1 += d1;
                s2 += d2;
                s3 += d3;
                q0 = V.MultiplyAdd(d0, d0, q0);
                q1 = V.MultiplyAdd(d1, d1, q1);
                q2 = V.MultiplyAdd(d2, d2, q2);
                q3 = V.MultiplyAdd(d3, d3, q3);
            }
            Store(mean, m0, m1, m2, m3);
            Store(sumOfLane, s0, s1, s2, s3);
            Store(squaresOfLane, q0, q1, q2, q3);

            int c = column % channels;
            for (int lane = column - start; lane < step; lane++)
            {
                double m = mean[lane], s = sumOfLane[lane], all = tiles * m;
                sums[c] += all + s;
                squares[c] += squaresOfLane[lane] + m * (2 * s + all);
                if (++c == channels) c = 0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* target, V a, V b, V c, V d)
    {
        a.Store(target);
        b.Store(target + V.Width);
        c.Store(target + 2 * V.Width);
        d.Store(target + 3 * V.Width);
    }
}
