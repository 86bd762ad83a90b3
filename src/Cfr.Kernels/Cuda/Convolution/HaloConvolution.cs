using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="HaloConvolution"/>.</summary>
struct HaloArguments
{
    public VolumeOperand X;

    /// <summary><see cref="PackedWeights"/>.</summary>
    public long Weights;
    public long Y, Bias;

    /// <summary>Where blocks leave statistics of their outputs (<see cref="HaloMoments"/>); 0 where nobody asks.</summary>
    public long Moments;

    /// <summary>Of the whole batch.</summary>
    public int Boxes;
    public Extent Output;
    public int OutChannels;

    /// <summary>Whether outputs come in whole, aligned pairs of channels.</summary>
    public int HasPairs;

    /// <summary>Of the kernel; along h it is 3.</summary>
    public int KernelD, KernelW;
    public Extent Padding;

    /// <summary>Chunks of 32 bytes of input channels.</summary>
    public int Chunks;

    /// <summary>Groups of output channels, and boxes along the axes: what the number of a block is made of.</summary>
    public Divisor Groups, BoxesW, BoxesH, BoxesD;
}

/// <summary>
/// Convolution with stride 1 and a kernel of at most 3 x 3 x 3, exactly 3 along h, directly from a box of inputs in
/// shared memory. For each chunk of 32 bytes of input channels the block loads the box with its halo once, rounds it on
/// the way (<see cref="HaloLoad"/>), and all taps read it there, each as its own window: nothing is laid out as a
/// matrix. Weights of the chunk come in one piece. Sums stay in registers until all chunks are done.
/// <code>
///   a voxel, C to C channels, 3 x 3 x 3:  FLOP 54 C C;   bytes of memory 8 C, of L2 with 8 x 8 x 8 boxes 12 C C/32
///   C = 16: 13,824 FLOP for 128 B = 108 FLOP/B, half of what a GPU with 200 FLOP/B needs: memory bounds it
///   C = 32: 216 FLOP/B: both do;   C = 64: 432, tensor cores
/// </code>
/// Blocks wait for their loads; three or four of them on a multiprocessor work meanwhile.
/// </summary>
static class HaloConvolution
{
    /// <summary>Taps along h.</summary>
    public const int Taps = HaloLoad.Halo + 1;

    public static void Run<TElement, TShape, TSums>(HaloArguments a)
        where TElement : struct, IHaloElement where TShape : struct, IHaloShape
        where TSums : unmanaged, IHaloSums<TSums>
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, threads = TSums.Threads(TShape.Depth * TShape.Width / 8, TShape.Height);
        int height = TShape.Height + HaloLoad.Halo, width = TShape.Width + HaloLoad.Halo;
        var block = HaloBlock.Of(a, Grid.IdxX, TShape.Depth, TShape.Height, TShape.Width, TSums.Columns);
        VoxelPlace input = block.Input;

        uint weightsAt = (uint)BoxBytes<TShape>(), tapBytes = (uint)(TSums.Columns / 16 * PackedWeights.BlockBytes);
        int weightBytes = a.KernelD * a.KernelW * Taps * (int)tapBytes;
        long weights = a.Weights + (long)block.Group * a.Chunks * weightBytes;
        HaloThread place = TSums.Begin(thread, TShape.Height, TShape.Width);
        uint lineBytes = (uint)(width * HaloLoad.RowBytes), planeBytes = (uint)height * lineBytes;
        TSums sums = default;
        for (int chunk = 0; chunk < a.Chunks; chunk++)
        {
            if (chunk > 0) Group.Barrier();
            for (int at = thread * 16; at < weightBytes; at += threads * 16)
                Ptx.CopyAsync16(shared, weightsAt + (uint)at, weights + at, 16);
            Ptx.CommitCopies();
            HaloLoad.Run<TElement>(
                shared, 0, a.X, input, TShape.Depth + a.KernelD - 1, height, TShape.Width, HaloLoad.Halo, thread,
                threads);
            Ptx.WaitForCopies();
            Group.Barrier();

            uint tap = weightsAt + place.Weights;
            uint line = (uint)((place.D * height + place.H) * width * HaloLoad.RowBytes);
            int w = place.W, endW = place.W + a.KernelW;
            for (int taps = a.KernelD * a.KernelW; taps > 0; taps--)
            {
                sums = TSums.Multiply(shared, sums, line + Swizzle.Thin(w, place.Chunk), lineBytes, tap);
                tap += Taps * tapBytes;
                w++;
                bool isOver = w == endW;
                w = isOver ? place.W : w;
                line += isOver ? planeBytes : 0;
            }
            input.Channel += HaloLoad.Channels(TElement.Bytes);
            weights += weightBytes;
        }
        var store = new HaloStore
        {
            Y = a.Y,
            Bias = a.Bias,
            First = block.Output,
            Size = a.Output,
            Channels = a.OutChannels,
        };
        LineStore lines = TSums.StoreOf(store, thread, TShape.Height, TShape.Width);
        TSums.Store(lines, a.HasPairs, sums);
        if (a.Moments == 0) return;
        int voxels = HaloBlock.Voxels(block, a, TShape.Depth, TShape.Height, TShape.Width);
        HaloMoments.Write(shared, a.Moments, block.Box, a.Boxes, voxels, a.OutChannels, lines, sums, thread, threads);
    }

    /// <summary>Bytes of a box of inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int BoxBytes<TShape>() where TShape : struct, IHaloShape =>
        TShape.HaloDepth * (TShape.Height + HaloLoad.Halo) * (TShape.Width + HaloLoad.Halo) * HaloLoad.RowBytes;
}
