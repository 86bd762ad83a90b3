using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ResizeForward"/>; channels in packets.</summary>
struct ResizeArguments
{
    public long X, Y;

    /// <summary>Packets of y.</summary>
    public int Items;
    public VoxelGrid Grid;
    public AxisMap D, H, W;
}

/// <summary>
/// y = resized x in one pass: a thread reads the up to 2 x 2 x 2 packets around its place, which its neighbours leave in
/// the caches. Bound by memory: x is read once, y written once.
/// </summary>
static class ResizeForward
{
    public static void Run<P>(ResizeArguments a) where P : struct, IPacket<P>
    {
        int bytes = sizeof(float) * P.Floats;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        long stepW = (long)bytes * a.Grid.Channels.Value, stepH = stepW * a.W.Inputs, stepD = stepH * a.H.Inputs;
        for (int i = thread; i < a.Items; i += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Grid, i);
            AxisTap d = AxisMap.Tap(a.D, at.D), h = AxisMap.Tap(a.H, at.H), w = AxisMap.Tap(a.W, at.W);
            long volume = a.X + at.Batch * stepD * a.D.Inputs + bytes * (long)at.Channel + w.First * stepW;
            long plane = volume + d.First * stepD + h.First * stepH;
            P sum = Row<P>(default, plane, stepW, (1 - d.Fraction) * (1 - h.Fraction), w.Fraction);
            if (h.Fraction > 0) sum = Row(sum, plane + stepH, stepW, (1 - d.Fraction) * h.Fraction, w.Fraction);
            if (d.Fraction > 0)
            {
                plane += stepD;
                sum = Row(sum, plane, stepW, d.Fraction * (1 - h.Fraction), w.Fraction);
                if (h.Fraction > 0) sum = Row(sum, plane + stepH, stepW, d.Fraction * h.Fraction, w.Fraction);
            }
            sum.Store(a.Y + bytes * (long)i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static P Row<P>(P sum, long address, long step, float weight, float fraction) where P : struct, IPacket<P>
    {
        sum = P.AddProduct(sum, weight * (1 - fraction), P.Load(address));
        if (fraction > 0) sum = P.AddProduct(sum, weight * fraction, P.Load(address + step));
        return sum;
    }
}
