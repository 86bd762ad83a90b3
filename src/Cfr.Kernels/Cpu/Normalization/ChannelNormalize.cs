using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// y = act((x - mean) scale + bias) over a piece of voxels. The three values of each channel stand in a table [3,
/// Tile], repeated over the tile, so that any number of channels runs in whole vectors. 8 bytes an element,
/// memory-bound.
/// </summary>
static unsafe class ChannelNormalize<V, TActivation>
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Piece(ChannelTiling tiling, float* x, long voxels, float* table, float* y)
    {
        int tile = tiling.Tile;
        float* mean = table, scale = table + tile, bias = table + 2 * tile;
        long left = voxels * tiling.Channels;
        for (; left >= tile; left -= tile, x += tile, y += tile)
        {
            int i = 0;
            for (; i <= tile - V.Width; i += V.Width)
                Element<V>(x + i, mean + i, scale + i, bias + i).Store(y + i);
            for (; i < tile; i++)
                Element<Lanes1>(x + i, mean + i, scale + i, bias + i).Store(y + i);
        }
        int rest = (int)left, j = 0;
        for (; j <= rest - V.Width; j += V.Width)
            Element<V>(x + j, mean + j, scale + j, bias + j).Store(y + j);
        for (; j < rest; j++)
            Element<Lanes1>(x + j, mean + j, scale + j, bias + j).Store(y + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Element<T>(float* x, float* mean, float* scale, float* bias) where T : struct, IVector<T> =>
        TActivation.Apply(T.MultiplyAdd(T.Load(x) - T.Load(mean), T.Load(scale), T.Load(bias)));
}
