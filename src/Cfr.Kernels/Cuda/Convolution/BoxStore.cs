using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Takes a box of sums from shared memory, a row of columns for each voxel in order [d][h][w], to the volume, with
/// their bias; and where somebody asks also leaves count, mean and sum of squared deviations of each channel (<see
/// cref="OutputMoments"/>), from two passes over the rows. Neighbouring threads take neighbouring packets of four
/// channels, and a thread stays with its channels and its place along w: from line to line there are only additions.
/// </summary>
static unsafe class BoxStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(SharedBytes shared, HaloArguments a, HaloBlock block, int columns)
    {
        var part = BoxPart.Of(a, block, columns);
        int channel = block.Output.Channel + part.Column, left = a.OutChannels - channel, count = 0;
        bool isWhole = (a.OutChannels & FourLanes.Width - 1) == 0 & (a.Y & 15) == 0;
        FourLanes bias = Bias(a, channel, left), total = FourLanes.Splat(0);
        long further = (long)part.Between * a.Output.W * a.OutChannels * sizeof(float);
        for (int d = 0; d < part.Slices; d++)
        {
            uint from = BoxPart.Line(part, d, part.First);
            long to = BoxPart.Address(part, a, block, d);
            for (int h = part.First; h < part.Lines; h += part.Between, from += part.FurtherLine, to += further)
            {
                FourLanes y = new FourLanes(shared.Load4(from)) + bias;
                Store(to, isWhole, left, y);
                total += y;
                count++;
            }
        }
        if (a.Moments == 0) return;

        FourLanes own = total * FourLanes.Splat(1f / Ptx.Max(count, 1)), squares = FourLanes.Splat(0);
        FourLanes shift = bias - own;
        for (int d = 0; d < part.Slices; d++)
        {
            uint from = BoxPart.Line(part, d, part.First);
            for (int h = part.First; h < part.Lines; h += part.Between, from += part.FurtherLine)
            {
                FourLanes deviation = new FourLanes(shared.Load4(from)) + shift;
                squares = FourLanes.MultiplyAdd(deviation, deviation, squares);
            }
        }
        int voxels = HaloBlock.Voxels(block, a, BoxPlanes.Depth, BoxPlanes.Height, BoxPlanes.Width);
        QuadMoments all = QuadMoments.AcrossBlock(
            shared, columns / FourLanes.Width, new QuadMoments { Mean = own, Squares = squares }, count, voxels);
        if (Group.IdxX >= columns / FourLanes.Width) return;
        Write(a, block.Box, voxels, channel, left, all.Mean.X, all.Squares.X);
        Write(a, block.Box, voxels, channel + 1, left - 1, all.Mean.Y, all.Squares.Y);
        Write(a, block.Box, voxels, channel + 2, left - 2, all.Mean.Z, all.Squares.Z);
        Write(a, block.Box, voxels, channel + 3, left - 3, all.Mean.W, all.Squares.W);
    }

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

/// <summary>
/// A thread's part of a box of sums: four columns at one place along w, and every so many lines along h.
/// </summary>
struct BoxPart
{
    public int Column, W;

    /// <summary>
    /// Lines along h: the thread's first, from one to the next, and those that exist; none where its w does not.
    /// </summary>
    public int First, Between, Lines;

    /// <summary>Slices along d that exist.</summary>
    public int Slices;

    /// <summary>Its columns in the first line in shared memory, bytes from line to line, and to its next one.</summary>
    public uint At, LineBytes, FurtherLine;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BoxPart Of(HaloArguments a, HaloBlock block, int columns)
    {
        int packets = columns / FourLanes.Width, rowBytes = columns * sizeof(float);
        int thread = Ptx.Hold(Group.IdxX), row = thread >> Tile.Log2(packets);
        int between = BoxPlanes.Threads / packets / BoxPlanes.Width;
        int column = (thread & packets - 1) * FourLanes.Width, w = row & BoxPlanes.Width - 1;
        return new BoxPart
        {
            Column = column,
            W = w,
            First = row / BoxPlanes.Width,
            Between = between,
            Lines = block.Output.W + w < a.Output.W ? Ptx.Min(BoxPlanes.Height, a.Output.H - block.Output.H) : 0,
            Slices = Ptx.Min(BoxPlanes.Depth, a.Output.D - block.Output.D),
            At = Swizzle.Sums(w, column, rowBytes),
            LineBytes = (uint)(BoxPlanes.Width * rowBytes),
            FurtherLine = (uint)(between * BoxPlanes.Width * rowBytes),
        };
    }

    /// <summary>Where a line's sums are: the permutation goes by w alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Line(BoxPart part, int d, int h) =>
        part.At + (uint)(d * BoxPlanes.Height + h) * part.LineBytes;

    /// <summary>Where they go, those of the thread's first line of a slice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Address(BoxPart part, HaloArguments a, HaloBlock block, int d)
    {
        VoxelPlace at = block.Output;
        long line = ((long)at.Batch * a.Output.D + at.D + d) * a.Output.H + at.H + part.First;
        return a.Y + ((line * a.Output.W + at.W + part.W) * a.OutChannels + at.Channel + part.Column) * sizeof(float);
    }
}
