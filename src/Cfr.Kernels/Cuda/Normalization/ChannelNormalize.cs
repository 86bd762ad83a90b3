using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// y = act((x - mean) scale + bias), alone or added to another. 8 bytes an element, 12 with another, 16 a thread and
/// access; bound by memory. The constants come from a table (Shift) where there is one.
/// </summary>
static class ChannelNormalize
{
    public static void Apply<TActivation>(ColumnArguments a) where TActivation : struct, IActivation
    {
        var thread = new ColumnThread(a.Tiling);
        if (!thread.Active) return;
        ChannelConstants constants = a.Shift != 0
            ? ChannelConstants.OfTable(a, thread, a.Shift)
            : new ChannelConstants(a, thread);
        int packed = a.Tiling.Packed, blockLines = a.Tiling.BlockLines;
        long step = blockLines * thread.LineBytes, offset = thread.Start;
        for (long line = thread.FirstLine; line < thread.LastLine; line += 2 * blockLines, offset += 2 * step)
        {
            // Two lines on their way at once; behind the last one, that one again.
            long next = line + blockLines < thread.LastLine ? offset + step : offset;
            FourLanes x0 = ColumnPacket.Load(a.X + offset, packed), x1 = ColumnPacket.Load(a.X + next, packed);
            ColumnPacket.Store(a.Y + offset, packed, Element<TActivation>(constants, x0));
            ColumnPacket.Store(a.Y + next, packed, Element<TActivation>(constants, x1));
        }
        if (thread.TailCount == 0) return;
        FourLanes rest = ColumnPacket.LoadSome(a.X + thread.Tail, thread.TailCount);
        ColumnPacket.StoreSome(a.Y + thread.Tail, thread.TailCount, Element<TActivation>(constants, rest));
    }

    /// <summary>The other is Dy, itself normalised with the table Slope, or as it stands.</summary>
    public static void Add<TActivation>(ColumnArguments a) where TActivation : struct, IActivation
    {
        var thread = new ColumnThread(a.Tiling);
        if (!thread.Active) return;
        var constants = ChannelConstants.OfTable(a, thread, a.Shift);
        bool isPlain = a.Slope == 0;
        ChannelConstants others = isPlain ? constants : ChannelConstants.OfTable(a, thread, a.Slope);
        int packed = a.Tiling.Packed, blockLines = a.Tiling.BlockLines;
        long step = blockLines * thread.LineBytes, offset = thread.Start;
        for (long line = thread.FirstLine; line < thread.LastLine; line += 2 * blockLines, offset += 2 * step)
        {
            long next = line + blockLines < thread.LastLine ? offset + step : offset;
            FourLanes x0 = ColumnPacket.Load(a.X + offset, packed), x1 = ColumnPacket.Load(a.X + next, packed);
            FourLanes z0 = ColumnPacket.Load(a.Dy + offset, packed), z1 = ColumnPacket.Load(a.Dy + next, packed);
            if (!isPlain) (z0, z1) = (Element<TActivation>(others, z0), Element<TActivation>(others, z1));
            ColumnPacket.Store(a.Y + offset, packed, Element<TActivation>(constants, x0) + z0);
            ColumnPacket.Store(a.Y + next, packed, Element<TActivation>(constants, x1) + z1);
        }
        if (thread.TailCount == 0) return;
        FourLanes x = ColumnPacket.LoadSome(a.X + thread.Tail, thread.TailCount);
        FourLanes z = ColumnPacket.LoadSome(a.Dy + thread.Tail, thread.TailCount);
        if (!isPlain) z = Element<TActivation>(others, z);
        ColumnPacket.StoreSome(a.Y + thread.Tail, thread.TailCount, Element<TActivation>(constants, x) + z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Element<TActivation>(ChannelConstants c, FourLanes x) where TActivation : struct, IActivation =>
        TActivation.Apply(FourLanes.MultiplyAdd(x - c.Mean, c.Scale, c.Bias));
}
