using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Takes a box of sums from shared memory, a row of columns for each voxel in order [d][h][w], to the volume, with their
/// bias; and where somebody asks also leaves count, mean and sum of squared deviations of each channel
/// (<see cref="OutputMoments"/>), from two passes over the rows. Neighbouring threads take neighbouring packets of four
/// channels, and a thread stays with its channels.
/// </summary>
static unsafe class BoxStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(SharedBytes shared, HaloArguments a, HaloBlock block, int columns)
    {
        const int Rows = BoxPlanes.Depth * BoxPlanes.Height * BoxPlanes.Width;
        int packets = columns / FourLanes.Width, column = (Group.IdxX & packets - 1) * FourLanes.Width;
        int first = Group.IdxX >> Tile.Log2(packets), between = BoxPlanes.Threads >> Tile.Log2(packets);
        int channel = block.Output.Channel + column, left = a.OutChannels - channel;
        bool isWhole = (a.OutChannels & FourLanes.Width - 1) == 0 & (a.Y & 15) == 0;
        FourLanes bias = Bias(a, channel, left), total = FourLanes.Splat(0);
        int count = 0;
        for (int row = first; row < Rows; row += between)
        {
            if (!Exists(a, block, row)) continue;
            FourLanes y = Sum(shared, row, column, columns) + bias;
            Store(Address(a, block, row, channel), isWhole, left, y);
            total += y;
            count++;
        }
        if (a.Moments == 0) return;

        FourLanes own = total * FourLanes.Splat(1f / Ptx.Max(count, 1)), squares = FourLanes.Splat(0);
        for (int row = first; row < Rows; row += between)
        {
            if (!Exists(a, block, row)) continue;
            FourLanes deviation = Sum(shared, row, column, columns) + bias - own;
            squares = FourLanes.MultiplyAdd(deviation, deviation, squares);
        }
        int voxels = HaloBlock.Voxels(block, a, BoxPlanes.Depth, BoxPlanes.Height, BoxPlanes.Width);
        QuadMoments all = QuadMoments.AcrossBlock(
            shared, packets, new QuadMoments { Mean = own, Squares = squares }, count, voxels);
        if (first > 0) return;
        Write(a, block.Box, voxels, channel, left, all.Mean.X, all.Squares.X);
        Write(a, block.Box, voxels, channel + 1, left - 1, all.Mean.Y, all.Squares.Y);
        Write(a, block.Box, voxels, channel + 2, left - 2, all.Mean.Z, all.Squares.Z);
        Write(a, block.Box, voxels, channel + 3, left - 3, all.Mean.W, all.Squares.W);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Exists(HaloArguments a, HaloBlock block, int row)
    {
        VoxelPlace at = Place(block, row);
        return at.D < a.Output.D & at.H < a.Output.H & at.W < a.Output.W;
    }

    /// <summary>The place of a row's voxel in the volume.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static VoxelPlace Place(HaloBlock block, int row) => new()
    {
        D = block.Output.D + row / (BoxPlanes.Height * BoxPlanes.Width),
        H = block.Output.H + row / BoxPlanes.Width % BoxPlanes.Height,
        W = block.Output.W + row % BoxPlanes.Width,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Address(HaloArguments a, HaloBlock block, int row, int channel)
    {
        VoxelPlace at = Place(block, row);
        long plane = (long)block.Output.Batch * a.Output.D + at.D;
        long voxel = (plane * a.Output.H + at.H) * a.Output.W + at.W;
        return a.Y + (voxel * a.OutChannels + channel) * sizeof(float);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Sum(SharedBytes shared, int row, int column, int columns) =>
        new(shared.Load4(Swizzle.Sums(row, column, columns * sizeof(float))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Bias(HaloArguments a, int channel, int left)
    {
        long address = a.Bias + (long)channel * sizeof(float);
        int there = a.Bias == 0 ? 0 : left;
        return new FourLanes(new Float4(
            Ptx.LoadOrZero(address, there > 0), Ptx.LoadOrZero(address + 4, there > 1),
            Ptx.LoadOrZero(address + 8, there > 2), Ptx.LoadOrZero(address + 12, there > 3)));
    }

    /// <summary>Stores the channels that exist, all at once if they come in whole, aligned packets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(long address, bool isWhole, int left, FourLanes y)
    {
        if (isWhole)
        {
            if (left > 0) y.StoreTo(address);
            return;
        }
        float* target = (float*)address;
        if (left > 0) target[0] = y.X.Value;
        if (left > 1) target[1] = y.Y.Value;
        if (left > 2) target[2] = y.Z.Value;
        if (left > 3) target[3] = y.W.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write(HaloArguments a, int box, int voxels, int channel, int left, Lane mean, Lane squares)
    {
        if (left > 0)
            OutputMoments.Write(a.Moments, a.Boxes, a.OutChannels, channel, box, voxels, mean.Value, squares.Value);
    }
}
