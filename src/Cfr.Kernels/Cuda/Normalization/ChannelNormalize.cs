using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// y = act((x - mean) scale + bias). 8 bytes an element, 16 a thread and access; bound by memory.
/// </summary>
static class ChannelNormalize
{
    public static void Apply<TActivation>(ColumnArguments a) where TActivation : struct, IActivation
    {
        var thread = new ColumnThread(a.Tiling);
        if (!thread.Active) return;
        var constants = new ChannelConstants(a, thread);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Element<TActivation>(ChannelConstants c, FourLanes x) where TActivation : struct, IActivation =>
        TActivation.Apply(FourLanes.MultiplyAdd(x - c.Mean, c.Scale, c.Bias));
}
