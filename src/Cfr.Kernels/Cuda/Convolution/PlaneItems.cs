using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>A volume, and where its items go.</summary>
struct ItemVolume
{
    public VolumeOperand From;
    public long To;

    /// <summary>Zeros before the first line and column of a plane.</summary>
    public int PaddingH, PaddingW;

    /// <summary>Positions of a line and of a plane, planes, and groups of chunks; items of the whole batch.</summary>
    public Divisor Pitch, Positions, Planes, Groups;
    public int Count;
}

/// <summary>Arguments of <see cref="PlaneItems"/>.</summary>
struct PlaneItemsArguments
{
    public ItemVolume X, Dy;
}

/// <summary>
/// Rounds x and dy to bfloat16 items, eight channels of a voxel side by side in 16 bytes, as <see
/// cref="WarpgroupGradient"/> wants them:
/// <code>[batch][chunk of 8 channels][plane d][position]      position = line * pitch + column</code>
/// Lines of both are as long as those of x with its padding, so that a tap is the same distance from every voxel. What
/// lies outside of a plane or behind the last channel is zeros. x goes through its constants.
/// <para>
/// Four neighbouring lanes take 32 channels of a voxel, a warp eight voxels: whole runs of 128 bytes are read, and
/// written. Bytes: 4 an element read and 2 written.
/// </para>
/// </summary>
static class PlaneItems
{
    /// <summary>Channels and bytes of an item; chunks that neighbouring lanes take.</summary>
    public const int Channels = 8, Bytes = 16, ChunksOfGroup = 4;

    public static readonly Kernel<PlaneItemsArguments> Kernel = new("convolution_weight_gradient_items", Run);

    static void Run(PlaneItemsArguments a)
    {
        ItemVolume volume = Grid.IdxY == 0 ? a.X : a.Dy;
        if (volume.From.Constants.Address != 0) Round<NormalizedInput>(volume);
        else if (volume.From.HasPackets != 0) Round<PacketInput>(volume);
        else Round<ElementInput>(volume);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Round<TInput>(ItemVolume a) where TInput : struct, IConvolutionInput<TInput>
    {
        int threads = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += threads) Item<TInput>(a, i);
    }

    /// <summary>Items are counted [batch][group][plane][position][chunk of the group].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Item<TInput>(ItemVolume a, int i) where TInput : struct, IConvolutionInput<TInput>
    {
        VolumeOperand x = a.From;
        int voxel = i / ChunksOfGroup, plane = voxel / a.Positions, group = plane / a.Planes, batch = group / a.Groups;
        int position = voxel - plane * a.Positions.Value, line = position / a.Pitch;
        int d = plane - group * a.Planes.Value, h = line - a.PaddingH;
        int w = position - line * a.Pitch.Value - a.PaddingW;
        int chunk = (group - batch * a.Groups.Value) * ChunksOfGroup + i % ChunksOfGroup;
        int channel = chunk * Channels, left = x.Channels - channel;

        bool isThere = (uint)h < (uint)x.Size.H & (uint)w < (uint)x.Size.W;
        long sample = x.Address + (long)batch * x.Size.D * x.Size.H * x.Size.W * x.Channels * sizeof(float);
        int element = ((d * x.Size.H + h) * x.Size.W + w) * x.Channels + channel;
        long from = Ptx.MultiplyAddWide(element, sizeof(float), sample);
        InputPacket low = TInput.Load(from, isThere & left > 0, left);
        InputPacket high = TInput.Load(from + 16, isThere & left > FourLanes.Width, left - FourLanes.Width);
        Float4 first = TInput.Finish(TInput.Of(x, batch, channel), low);
        Float4 second = TInput.Finish(TInput.Of(x, batch, channel + FourLanes.Width), high);

        int ofSample = a.Groups.Value * ChunksOfGroup;
        int to = ((batch * ofSample + chunk) * a.Planes.Value + d) * a.Positions.Value + position;
        Ptx.Store4(Ptx.MultiplyAddWide(to, Bytes, a.To), PackedBFloat16.Chunk(first, second));
    }
}
