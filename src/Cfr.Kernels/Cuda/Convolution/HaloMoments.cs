using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Sums over a thread's voxels, for the channels of its pairs.</summary>
struct PairSums
{
    public Pair P0, P1, P2, P3;
}

/// <summary>What is summed of an output.</summary>
interface IMomentOf
{
    static abstract float Of(float y, float mean);
}

/// <summary>y</summary>
readonly struct ValueOf : IMomentOf
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float y, float mean) => y;
}

/// <summary>(y - mean)^2</summary>
readonly struct SquareOf : IMomentOf
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float y, float mean) => (y - mean) * (y - mean);
}

/// <summary>
/// Statistics of a convolution's outputs while they are still in registers: each block leaves count, mean and sum of
/// squared deviations of its box (<see cref="OutputMoments"/>), from two passes over its sums, so that nothing cancels.
/// The volume is not read again: 4 bytes a value less than a pass of its own.
/// </summary>
static unsafe class HaloMoments
{
    const int LanesOfVoxel = 4, BytesOfLane = 8 * sizeof(float);

    /// <summary>Leaves those of a block of so many voxels; all threads must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<TSums>(
        SharedBytes shared, long partials, int box, int boxes, int voxels, int channels, LineStore lines, TSums sums,
        int thread, int threads) where TSums : unmanaged, IHaloSums<TSums>
    {
        PairSums zero = default;
        PairSums mean = AcrossBlock<TSums>(shared, TSums.Add<ValueOf>(lines, sums, zero, zero), thread, threads);
        float share = 1f / voxels;
        mean.P0 = Times(mean.P0, share);
        mean.P1 = Times(mean.P1, share);
        mean.P2 = Times(mean.P2, share);
        mean.P3 = Times(mean.P3, share);
        PairSums squares = AcrossBlock<TSums>(shared, TSums.Add<SquareOf>(lines, sums, zero, mean), thread, threads);
        if (thread >= LanesOfVoxel) return;
        float* row = (float*)partials + (long)(channels - lines.Channels) * boxes + box;
        long table = (long)channels * boxes;
        Write(row, table, boxes, lines.Channels, 0, voxels, mean.P0, squares.P0);
        Write(row, table, boxes, lines.Channels, TSums.BetweenPairs, voxels, mean.P1, squares.P1);
        if (TSums.Pairs == 2) return;
        Write(row, table, boxes, lines.Channels, 2 * TSums.BetweenPairs, voxels, mean.P2, squares.P2);
        Write(row, table, boxes, lines.Channels, 3 * TSums.BetweenPairs, voxels, mean.P3, squares.P3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write(float* row, long table, int boxes, int left, int further, int voxels, Pair mean, Pair squares)
    {
        row += (long)further * boxes;
        if (further < left) (row[0], row[table], row[2 * table]) = (voxels, mean.X, squares.X);
        row += boxes;
        if (further + 1 < left) (row[0], row[table], row[2 * table]) = (voxels, mean.Y, squares.Y);
    }

    /// <summary>
    /// Four lanes have all channels of a voxel, so those of the same number modulo four add up theirs; then the warps
    /// do, in order, through the memory that held the box.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static PairSums AcrossBlock<TSums>(SharedBytes shared, PairSums sums, int thread, int threads)
        where TSums : unmanaged, IHaloSums<TSums>
    {
        sums.P0 = AcrossWarp(sums.P0);
        sums.P1 = AcrossWarp(sums.P1);
        if (TSums.Pairs == 4) (sums.P2, sums.P3) = (AcrossWarp(sums.P2), AcrossWarp(sums.P3));
        Group.Barrier();
        int lane = thread & BlockReduce.WarpSize - 1;
        if (lane < LanesOfVoxel)
        {
            uint at = (uint)((thread / BlockReduce.WarpSize * LanesOfVoxel + lane) * BytesOfLane);
            shared.Store4(at, new Float4(sums.P0.X, sums.P0.Y, sums.P1.X, sums.P1.Y));
            if (TSums.Pairs == 4) shared.Store4(at + 16, new Float4(sums.P2.X, sums.P2.Y, sums.P3.X, sums.P3.Y));
        }
        Group.Barrier();
        Float4 left = default, right = default;
        uint from = (uint)((lane & LanesOfVoxel - 1) * BytesOfLane);
        for (int warp = 0; warp < threads / BlockReduce.WarpSize; warp++, from += LanesOfVoxel * BytesOfLane)
        {
            left = Plus(left, shared.Load4(from));
            if (TSums.Pairs == 4) right = Plus(right, shared.Load4(from + 16));
        }
        return new PairSums
        {
            P0 = new Pair { X = left.X, Y = left.Y },
            P1 = new Pair { X = left.Z, Y = left.W },
            P2 = new Pair { X = right.X, Y = right.Y },
            P3 = new Pair { X = right.Z, Y = right.W },
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair AcrossWarp(Pair sum)
    {
        for (int distance = LanesOfVoxel; distance < BlockReduce.WarpSize; distance *= 2)
        {
            sum.X += Warp.ShuffleXor(sum.X, distance);
            sum.Y += Warp.ShuffleXor(sum.Y, distance);
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair Times(Pair a, float factor) => new() { X = a.X * factor, Y = a.Y * factor };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 Plus(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);
}
