using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Narrow rows (class scores) in shared memory: the block moves them as one run of floats, neighbours side by side, and
/// then each thread has a row of its own. A gap of one word after every 32 puts the same column of 32 rows in 32 banks,
/// exactly so for widths that are powers of two, nearly so for others.
/// </summary>
static unsafe class RowTile
{
    /// <summary>Floats of rows that a tile holds, and words that it takes with the gaps.</summary>
    public const int Capacity = 4096, Words = Capacity + Capacity / 32;

    /// <summary>Rows of a tile; a thread has at most one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rows(int threads, int width)
    {
        int fit = Capacity / width;
        return fit < threads ? fit : threads;
    }

    /// <summary>The word where float i of the tile lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Word(int i) => i + (i >> 5);

    /// <summary>Fills a tile from so many floats. Barriers are the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(ArrayView<float> tile, long source, int count)
    {
        int packets = (source & 15) == 0 ? count / 4 : 0;
        for (int i = Group.IdxX; i < packets; i += Group.DimX)
        {
            // Four floats of a packet never have a gap between them.
            Float4 packet = Ptx.Load4(source + 16L * i);
            int word = Word(4 * i);
            tile[word] = packet.X;
            tile[word + 1] = packet.Y;
            tile[word + 2] = packet.Z;
            tile[word + 3] = packet.W;
        }
        float* floats = (float*)source;
        for (int i = 4 * packets + Group.IdxX; i < count; i += Group.DimX) tile[Word(i)] = floats[i];
    }

    /// <summary>Writes so many floats of a tile. Barriers are the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<float> tile, long target, int count)
    {
        int packets = (target & 15) == 0 ? count / 4 : 0;
        for (int i = Group.IdxX; i < packets; i += Group.DimX)
        {
            int word = Word(4 * i);
            Ptx.Store4(target + 16L * i, new(tile[word], tile[word + 1], tile[word + 2], tile[word + 3]));
        }
        float* floats = (float*)target;
        for (int i = 4 * packets + Group.IdxX; i < count; i += Group.DimX) floats[i] = tile[Word(i)];
    }
}
