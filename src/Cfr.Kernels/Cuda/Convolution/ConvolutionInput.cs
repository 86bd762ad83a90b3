using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A volume in memory, <c>[Batch, D, H, W, Channels]</c> of float32.</summary>
struct VolumeOperand
{
    public long Address;
    public Extent Size;
    public int Channels;

    /// <summary>Whether channels come in whole, aligned packets of four.</summary>
    public int HasPackets;

    /// <summary>What it goes through first; none where it is read as it stands. It then has packets.</summary>
    public ChannelTable Constants;

    /// <exception cref="OverflowException">A volume of the batch has 2^31 elements or more.</exception>
    public static VolumeOperand Of(View x, Extent size, int channels, ChannelTable constants = default)
    {
        _ = checked((int)(size.Voxels * channels));
        return new()
        {
            Address = x.Address,
            Size = size,
            Channels = channels,
            HasPackets = channels % 4 == 0 && x.Address % 16 == 0 ? 1 : 0,
            Constants = constants,
        };
    }
}

/// <summary>Mean, scale and bias of each channel, for all samples or for each (<see cref="NormalizedView"/>).</summary>
struct ChannelTable
{
    public long Address;

    /// <summary>Floats from sample to sample.</summary>
    public int BetweenSamples;

    public static ChannelTable Of(NormalizedView x) => new()
    {
        Address = x.Constants.Address,
        BetweenSamples = x.Shape.AcrossBatch ? 0 : ChannelConstants.Rows * x.Shape.Channels,
    };
}

/// <summary>Four neighbouring channels on their way; IsThere is 0 where there is no voxel.</summary>
struct InputPacket
{
    public Float4 Value;
    public int IsThere;
}

/// <summary>How four neighbouring channels of a voxel come from memory, and what they go through before they are used.</summary>
interface IConvolutionInput<TSelf> where TSelf : struct, IConvolutionInput<TSelf>
{
    /// <summary>Packets that a thread has on their way at once, 4 or 8.</summary>
    static abstract int AtOnce { get; }

    /// <summary>The policy of a thread that reads these channels.</summary>
    static abstract TSelf Of(VolumeOperand x, int sample, int channel);

    /// <summary>
    /// Starts loading the channels at this address, zeros where there are none: either no voxel or packet is there at
    /// all, or the first <paramref name="channels"/> of the packet.
    /// </summary>
    static abstract InputPacket Load(long address, bool isThere, int channels);

    /// <summary>What becomes of them; zeros where there is no voxel.</summary>
    static abstract Float4 Finish(TSelf self, InputPacket packet);
}

/// <summary>As it stands, in packets.</summary>
readonly struct PacketInput : IConvolutionInput<PacketInput>
{
    public static int AtOnce => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PacketInput Of(VolumeOperand x, int sample, int channel) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static InputPacket Load(long address, bool isThere, int channels) =>
        new() { Value = Ptx.Load4OrZeros(address, isThere) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Finish(PacketInput self, InputPacket packet) => packet.Value;
}

/// <summary>As it stands, element by element.</summary>
readonly struct ElementInput : IConvolutionInput<ElementInput>
{
    public static int AtOnce => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ElementInput Of(VolumeOperand x, int sample, int channel) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static InputPacket Load(long address, bool isThere, int channels) => new()
    {
        Value = new Float4(
            Ptx.LoadOrZero(address, isThere), Ptx.LoadOrZero(address + 4, isThere & channels > 1),
            Ptx.LoadOrZero(address + 8, isThere & channels > 2), Ptx.LoadOrZero(address + 12, isThere & channels > 3)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Finish(ElementInput self, InputPacket packet) => packet.Value;
}

/// <summary>relu((x - mean) scale + bias), in packets. Half as many are on their way: the constants take 12 registers.</summary>
struct NormalizedInput : IConvolutionInput<NormalizedInput>
{
    public Float4 Mean, Scale, Bias;

    public static int AtOnce => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NormalizedInput Of(VolumeOperand x, int sample, int channel)
    {
        bool isThere = channel < x.Channels;
        long table = x.Constants.Address + ((long)sample * x.Constants.BetweenSamples + channel) * sizeof(float);
        long row = (long)x.Channels * sizeof(float);
        return new NormalizedInput
        {
            Mean = Ptx.Load4OrZeros(table, isThere),
            Scale = Ptx.Load4OrZeros(table + row, isThere),
            Bias = Ptx.Load4OrZeros(table + 2 * row, isThere),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static InputPacket Load(long address, bool isThere, int channels) =>
        new() { Value = Ptx.Load4OrZeros(address, isThere), IsThere = isThere ? 1 : 0 };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Finish(NormalizedInput self, InputPacket packet)
    {
        Float4 y = Finish(self, packet.Value);
        bool isThere = packet.IsThere != 0;
        return new Float4(isThere ? y.X : 0f, isThere ? y.Y : 0f, isThere ? y.Z : 0f, isThere ? y.W : 0f);
    }

    /// <summary>The same for channels that are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Finish(NormalizedInput self, Float4 x) => new(
        Finish(x.X, self.Mean.X, self.Scale.X, self.Bias.X), Finish(x.Y, self.Mean.Y, self.Scale.Y, self.Bias.Y),
        Finish(x.Z, self.Mean.Z, self.Scale.Z, self.Bias.Z), Finish(x.W, self.Mean.W, self.Scale.W, self.Bias.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Finish(float x, float mean, float scale, float bias) =>
        Relu.Apply(Lane.MultiplyAdd(new Lane(x - mean), new Lane(scale), new Lane(bias))).Value;
}
