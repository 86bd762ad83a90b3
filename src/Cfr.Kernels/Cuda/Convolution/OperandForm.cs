using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Constants of a norm that all samples share (<see cref="NormalizedView"/>), by packets of four channels; Address is 0
/// where there is no norm.
/// </summary>
struct ChannelPackets
{
    public long Address;

    /// <summary>Packets of all channels.</summary>
    public Divisor Count;

    /// <summary>By how many packets the columns of a stage move on where steps are columns, modulo all.</summary>
    public int Advance;

    public static ChannelPackets Of(NormalizedView x)
    {
        if (x.Constants.IsNone) return default;
        int count = x.Shape.Channels / FourLanes.Width;
        return new ChannelPackets
        {
            Address = x.Constants.Address,
            Count = new Divisor(count),
            Advance = Tile.StageBytes / 16 % count,
        };
    }
}

/// <summary>What an operand goes through between its copy to shared memory and the product.</summary>
interface IOperandForm<TSelf> where TSelf : unmanaged, IOperandForm<TSelf>
{
    /// <summary>The form of a thread whose chunks of the first stage are this packet of columns.</summary>
    static abstract TSelf Of(ChannelPackets channels, int packet);

    /// <summary>
    /// Changes the thread's chunks of a stage in their places, the first of which is as far in every stage, and moves
    /// on to the next.
    /// </summary>
    static abstract TSelf Apply<TLayout>(
        SharedBytes shared, uint stage, TSelf form, uint first, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout;
}

/// <summary>As it stands.</summary>
readonly struct AsItStands : IOperandForm<AsItStands>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AsItStands Of(ChannelPackets channels, int packet) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AsItStands Apply<TLayout>(
        SharedBytes shared, uint stage, AsItStands form, uint first, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout => form;
}

/// <summary>
/// relu((x - mean) scale + bias) of a matrix whose columns are channels, over and over; x where there are no constants.
/// A thread reads the constants of its packet for each stage: 48 bytes from L1, which cost no registers meanwhile. What
/// lies outside of the matrix does not stay zero. It needs not: there, the other operand's steps are zeros, or the
/// result has no such row.
/// </summary>
struct NormalizedForm : IOperandForm<NormalizedForm>
{
    ChannelPackets _channels;
    int _packet;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NormalizedForm Of(ChannelPackets channels, int packet) => new()
    {
        _channels = channels,
        _packet = packet - packet / channels.Count * channels.Count.Value,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NormalizedForm Apply<TLayout>(
        SharedBytes shared, uint stage, NormalizedForm form, uint first, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout
    {
        if (form._channels.Address == 0) return form;
        int packets = form._channels.Count.Value, chunks = lines * Tile.StageBytes / 16 / threads;
        long mean = Ptx.MultiplyAddWide(form._packet, 16, form._channels.Address);
        long scale = Ptx.MultiplyAddWide(packets, 16, mean);
        var constants = new NormalizedInput
        {
            Mean = Ptx.Load4(mean),
            Scale = Ptx.Load4(scale),
            Bias = Ptx.Load4(Ptx.MultiplyAddWide(packets, 16, scale)),
        };
        first += stage;
        if (chunks == 1)
        {
            shared.Store4(first, NormalizedInput.Finish(constants, shared.Load4(first)));
        }
        else
        {
            Two<TLayout>(shared, constants, first, 0, lines, threads, elementBytes);
            if (chunks > 2) Two<TLayout>(shared, constants, first, 2, lines, threads, elementBytes);
        }
        if (!TLayout.StepsAreNeighbours) return form;
        form._packet += form._channels.Advance;
        form._packet -= form._packet >= packets ? packets : 0;
        return form;
    }

    /// <summary>Chunks i and i + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Two<TLayout>(
        SharedBytes shared, NormalizedInput constants, uint first, int i, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout
    {
        int span = TLayout.Span(lines, threads, elementBytes);
        uint at0 = TLayout.Target(first, i * span, lines, elementBytes);
        uint at1 = TLayout.Target(first, (i + 1) * span, lines, elementBytes);
        Float4 x0 = shared.Load4(at0), x1 = shared.Load4(at1);
        shared.Store4(at0, NormalizedInput.Finish(constants, x0));
        shared.Store4(at1, NormalizedInput.Finish(constants, x1));
    }
}

/// <summary>A copy whose operand takes a form as it arrives, each thread its own chunks: no barrier more.</summary>
struct FormedCopy<TCopy, TLayout, TForm> : IOperandCopy<FormedCopy<TCopy, TLayout, TForm>>
    where TCopy : unmanaged, IOperandCopy<TCopy> where TLayout : struct, IOperandLayout
    where TForm : unmanaged, IOperandForm<TForm>
{
    TCopy _copy;
    TForm _form;

    /// <summary>The thread's first chunk's place in a stage.</summary>
    uint _first;

    /// <summary>This copy, with the place of the thread's first chunk in a stage and its first column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FormedCopy<TCopy, TLayout, TForm> Of(TCopy copy, uint first, ChannelPackets channels, int column) =>
        new() { _copy = copy, _form = TForm.Of(channels, column / FourLanes.Width), _first = first };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FormedCopy<TCopy, TLayout, TForm> Stage(
        SharedBytes shared, uint stage, FormedCopy<TCopy, TLayout, TForm> copy, int lines, int threads,
        int elementBytes)
    {
        copy._copy = TCopy.Stage(shared, stage, copy._copy, lines, threads, elementBytes);
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FormedCopy<TCopy, TLayout, TForm> Arrived(
        SharedBytes shared, uint stage, FormedCopy<TCopy, TLayout, TForm> copy, int lines, int threads,
        int elementBytes)
    {
        copy._form = TForm.Apply<TLayout>(shared, stage, copy._form, copy._first, lines, threads, elementBytes);
        return copy;
    }
}
