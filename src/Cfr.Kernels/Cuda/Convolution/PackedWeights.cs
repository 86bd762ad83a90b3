using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="PackedWeights"/>: strides in elements of the weights, of any sign.</summary>
struct PackWeightsArguments
{
    /// <summary>The weight of the first tap, from channel 0 to channel 0.</summary>
    public long From;
    public long To;
    public int TapD, TapH, TapW, In, Out;

    /// <summary>Sizes of what is packed.</summary>
    public Divisor KernelD, KernelH, KernelW;
    public int InChannels, OutChannels;

    /// <summary>Chunks of input channels and, for each block, blocks of 16 output channels.</summary>
    public Divisor Chunks, Blocks;

    /// <summary>16-byte packets to write.</summary>
    public int Packets;
}

/// <summary>How 32 bytes of input channels times 16 output channels are laid out, packet by packet.</summary>
interface IWeightBlock
{
    static abstract int ElementBytes { get; }

    /// <summary>Makes a packet.</summary>
    static abstract Float4 Packet(PackWeightsArguments a, long tap, int packet, int inChannel, int outChannel);
}

/// <summary>bfloat16 fragments of B: packet l is what lane l holds, of columns 0..7, then of columns 8..15.</summary>
readonly struct BFloat16Block : IWeightBlock
{
    public static int ElementBytes => 2;

    public static Float4 Packet(PackWeightsArguments a, long tap, int packet, int inChannel, int outChannel)
    {
        int word = inChannel + (packet & 3) * 2, column = outChannel + (packet >> 2);
        return new Float4(
            Word(a, tap, word, column), Word(a, tap, word + 8, column), Word(a, tap, word, column + 8),
            Word(a, tap, word + 8, column + 8));
    }

    public static float Word(PackWeightsArguments a, long tap, int inChannel, int outChannel) => Ptx.AsFloat(
        Ptx.ToBFloat16Pair(
            PackedWeights.Read(a, tap, inChannel, outChannel), PackedWeights.Read(a, tap, inChannel + 1, outChannel)));
}

/// <summary>
/// bfloat16 items of B for warp groups, 8 input channels of an output channel: of output channels 0..7 the first half
/// of the input channels, then the second, then the same of output channels 8..15.
/// </summary>
readonly struct WarpgroupBlock : IWeightBlock
{
    public static int ElementBytes => 2;

    public static Float4 Packet(PackWeightsArguments a, long tap, int packet, int inChannel, int outChannel)
    {
        int item = inChannel + (packet >> 3 & 1) * 8, column = outChannel + (packet >> 4) * 8 + (packet & 7);
        return new Float4(
            BFloat16Block.Word(a, tap, item, column), BFloat16Block.Word(a, tap, item + 2, column),
            BFloat16Block.Word(a, tap, item + 4, column), BFloat16Block.Word(a, tap, item + 6, column));
    }
}

/// <summary>Fragments in TF32.</summary>
readonly struct Tf32Block : IWeightBlock
{
    public static int ElementBytes => 4;

    public static Float4 Packet(PackWeightsArguments a, long tap, int packet, int inChannel, int outChannel)
    {
        int word = inChannel + (packet & 3), column = outChannel + (packet >> 2);
        return new Float4(
            Word(a, tap, word, column), Word(a, tap, word + 4, column), Word(a, tap, word, column + 8),
            Word(a, tap, word + 4, column + 8));
    }

    static float Word(PackWeightsArguments a, long tap, int inChannel, int outChannel) => Ptx.AsFloat(
        Ptx.ToTf32(Ptx.AsBits(PackedWeights.Read(a, tap, inChannel, outChannel))));
}

/// <summary>float32: 16 output channels of one input channel after the other.</summary>
readonly struct Float32Block : IWeightBlock
{
    public static int ElementBytes => 4;

    public static Float4 Packet(PackWeightsArguments a, long tap, int packet, int inChannel, int outChannel)
    {
        int from = inChannel + (packet >> 2), to = outChannel + (packet & 3) * 4;
        return new Float4(
            PackedWeights.Read(a, tap, from, to), PackedWeights.Read(a, tap, from, to + 1),
            PackedWeights.Read(a, tap, from, to + 2), PackedWeights.Read(a, tap, from, to + 3));
    }
}

/// <summary>
/// Brings the weights of a convolution into the order in which blocks want them, so that they come to shared memory in
/// one piece and from there to registers 16 bytes a lane:
/// <code>[group of output channels][chunk of input channels][KD][KW][KH][16 channels of the group][512 bytes]</code>
/// Channels that do not exist are zeros. A gradient's kernel is the forward one with its taps in reverse order and its
/// channels exchanged: strides say so. Bytes: 4 a weight in and 2 or 4 out, once a launch.
/// </summary>
static unsafe class PackedWeights
{
    /// <summary>32 bytes of each of 16 output channels.</summary>
    public const int BlockBytes = 512;

    public const int PacketsPerBlock = BlockBytes / 16;

    public static readonly Kernel<PackWeightsArguments> Float32 = new("convolution_weights_float32", Run<Float32Block>);
    public static readonly Kernel<PackWeightsArguments> Tf32 = new("convolution_weights_tf32", Run<Tf32Block>);
    public static readonly Kernel<PackWeightsArguments> BFloat16 =
        new("convolution_weights_bfloat16", Run<BFloat16Block>);
    public static readonly Kernel<PackWeightsArguments> Warpgroups =
        new("convolution_weights_warpgroups", Run<WarpgroupBlock>);

    static void Run<TBlock>(PackWeightsArguments a) where TBlock : struct, IWeightBlock
    {
        int threads = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Packets; i += threads)
        {
            int packet = i & PacketsPerBlock - 1, line = i / PacketsPerBlock;
            int block = Split(ref line, a.Blocks), kh = Split(ref line, a.KernelH), kw = Split(ref line, a.KernelW);
            int kd = Split(ref line, a.KernelD), chunk = Split(ref line, a.Chunks), group = line;
            long tap = (long)kd * a.TapD + (long)kh * a.TapH + (long)kw * a.TapW;
            Float4 value = TBlock.Packet(
                a, tap, packet, chunk * HaloLoad.Channels(TBlock.ElementBytes), (group * a.Blocks.Value + block) * 16);
            Ptx.Store4(a.To + 16L * i, value);
        }
    }

    /// <summary>The last digit of an index, which goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Split(ref int index, Divisor size)
    {
        int rest = index / size, digit = index - rest * size.Value;
        index = rest;
        return digit;
    }

    /// <summary>
    /// A weight, or zero if there is none; the last one is read then, since loads behind branches wait for each other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(PackWeightsArguments a, long tap, int inChannel, int outChannel)
    {
        int from = Ptx.Min(inChannel, a.InChannels - 1), to = Ptx.Min(outChannel, a.OutChannels - 1);
        float weight = ((float*)a.From)[tap + from * a.In + to * a.Out];
        return (from == inChannel) & (to == outChannel) ? weight : 0f;
    }
}
