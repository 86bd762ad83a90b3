using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A box of inputs in shared memory as warp groups read it: 6 x 10 x 10 voxels of 16 channels, in two planes of 16-byte
/// items, one for each 8 channels of a voxel, in order [d][h][w]. Eight neighbours along w are then an atom of a
/// <see cref="MatrixDescriptor"/>, and a tap of the kernel is another item to begin at. The planes are 64 bytes off a
/// multiple of 128, so that four lanes store their quarters of four voxels without conflicts.
/// <para>
/// A box comes in two parts, each five packets of four channels a thread, neighbouring threads at neighbouring packets:
/// 20 KiB on their way in registers while the tensor cores work. What lies outside of the volume or behind its last
/// channel becomes zeros.
/// </para>
/// </summary>
static class BoxPlanes
{
    public const int Channels = 16, ItemBytes = 16, Threads = 2 * Ptx.WarpgroupThreads;

    /// <summary>Of the box of outputs.</summary>
    public const int Depth = 4, Height = 8, Width = 8;

    const int InDepth = Depth + HaloLoad.Halo, InHeight = Height + HaloLoad.Halo, InWidth = Width + HaloLoad.Halo;

    /// <summary>Bytes of a line of voxels, of a slice along d, of all voxels, and of both planes.</summary>
    public const int LineBytes = InWidth * ItemBytes, SliceBytes = InHeight * LineBytes,
        PlaneBytes = InDepth * SliceBytes + 64, Bytes = 2 * PlaneBytes;

    const int PacketsOfVoxel = Channels / 4, PacketsOfPart = 5;

    /// <summary>Starts loading a part, 0 or 1, of the box whose first voxel and channel this is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FivePackets Load<TInput>(VolumeOperand x, VoxelPlace first, int part)
        where TInput : struct, IConvolutionInput<TInput>
    {
        int round = part * PacketsOfPart;
        return new FivePackets
        {
            P0 = Packet<TInput>(x, first, round),
            P1 = Packet<TInput>(x, first, round + 1),
            P2 = Packet<TInput>(x, first, round + 2),
            P3 = Packet<TInput>(x, first, round + 3),
            P4 = Packet<TInput>(x, first, round + 4),
        };
    }

    /// <summary>Stores a part, rounded, to the box that begins at this offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TInput>(
        SharedBytes shared, uint at, VolumeOperand x, VoxelPlace first, int part, FivePackets packets)
        where TInput : struct, IConvolutionInput<TInput>
    {
        int packet = Group.IdxX & PacketsOfVoxel - 1, round = part * PacketsOfPart;
        var input = TInput.Of(x, first.Batch, first.Channel + packet * FourLanes.Width);
        at += (uint)((packet >> 1) * PlaneBytes + (packet & 1) * (ItemBytes / 2));
        Store(shared, at, round, TInput.Finish(input, packets.P0));
        Store(shared, at, round + 1, TInput.Finish(input, packets.P1));
        Store(shared, at, round + 2, TInput.Finish(input, packets.P2));
        Store(shared, at, round + 3, TInput.Finish(input, packets.P3));
        Store(shared, at, round + 4, TInput.Finish(input, packets.P4));
    }

    /// <summary>The thread's voxel of a round; there may be none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Voxel(int round) => Group.IdxX / PacketsOfVoxel + round * (Threads / PacketsOfVoxel);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static InputPacket Packet<TInput>(VolumeOperand x, VoxelPlace first, int round)
        where TInput : struct, IConvolutionInput<TInput>
    {
        uint voxel = (uint)Voxel(round), line = voxel / InWidth, slice = line / InHeight;
        int d = first.D + (int)slice, h = first.H + (int)(line - slice * InHeight);
        int w = first.W + (int)(voxel - line * InWidth);
        int channel = first.Channel + (Group.IdxX & PacketsOfVoxel - 1) * FourLanes.Width, left = x.Channels - channel;
        bool isThere = (uint)d < (uint)x.Size.D & (uint)h < (uint)x.Size.H & (uint)w < (uint)x.Size.W & left > 0
            & slice < InDepth;
        long sample = x.Address + (long)first.Batch * x.Size.D * x.Size.H * x.Size.W * x.Channels * sizeof(float);
        int element = ((d * x.Size.H + h) * x.Size.W + w) * x.Channels + channel;
        return TInput.Load(Ptx.MultiplyAddWide(element, sizeof(float), sample), isThere, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(SharedBytes shared, uint at, int round, Float4 value)
    {
        int voxel = Voxel(round);
        if (voxel < InDepth * InHeight * InWidth) BFloat16Halo.Store(shared, at + (uint)(voxel * ItemBytes), value);
    }
}

/// <summary>A thread's packets of a part of a box.</summary>
struct FivePackets
{
    public InputPacket P0, P1, P2, P3, P4;
}
