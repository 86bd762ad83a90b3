using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The largest value of each window and where it stands; a thread has one channel of a window, or four side by side.
/// Bound by memory: each input is read once where windows do not overlap (from the caches where they do), 8 bytes are
/// written an output.
/// </summary>
static unsafe class MaxPoolForward
{
    public static void Floats(PoolingArguments a)
    {
        float* x = (float*)a.X, y = (float*)a.Y;
        int* index = (int*)a.Index;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Items; i += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Grid, i);
            PoolingRange ds = PoolingRange.OfWindow(at.D, a.InputD, a.KernelD, a.StrideD, a.PaddingD);
            PoolingRange hs = PoolingRange.OfWindow(at.H, a.InputH, a.KernelH, a.StrideH, a.PaddingH);
            PoolingRange ws = PoolingRange.OfWindow(at.W, a.InputW, a.KernelW, a.StrideW, a.PaddingW);
            long volume = (long)at.Batch * a.InputD * a.InputH * a.InputW;
            var best = Best.Start((ds.Begin * a.InputH + hs.Begin) * a.InputW + ws.Begin);
            for (int d = ds.Begin; d < ds.End; d++)
                for (int h = hs.Begin; h < hs.End; h++)
                    for (int w = ws.Begin; w < ws.End; w++)
                    {
                        int voxel = (d * a.InputH + h) * a.InputW + w;
                        best = Best.Of(best, x[(volume + voxel) * a.Channels + at.Channel], voxel);
                    }
            y[i] = best.Value;
            index[i] = best.At;
        }
    }

    public static void Packets(PoolingArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Items; i += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Grid, i);
            PoolingRange ds = PoolingRange.OfWindow(at.D, a.InputD, a.KernelD, a.StrideD, a.PaddingD);
            PoolingRange hs = PoolingRange.OfWindow(at.H, a.InputH, a.KernelH, a.StrideH, a.PaddingH);
            PoolingRange ws = PoolingRange.OfWindow(at.W, a.InputW, a.KernelW, a.StrideW, a.PaddingW);
            long volume = (long)at.Batch * a.InputD * a.InputH * a.InputW;
            Best x = Best.Start((ds.Begin * a.InputH + hs.Begin) * a.InputW + ws.Begin), y = x, z = x, w4 = x;
            for (int d = ds.Begin; d < ds.End; d++)
                for (int h = hs.Begin; h < hs.End; h++)
                    for (int w = ws.Begin; w < ws.End; w++)
                    {
                        int voxel = (d * a.InputH + h) * a.InputW + w;
                        Float4 v = Ptx.Load4(a.X + 16 * ((volume + voxel) * a.Channels + at.Channel));
                        x = Best.Of(x, v.X, voxel);
                        y = Best.Of(y, v.Y, voxel);
                        z = Best.Of(z, v.Z, voxel);
                        w4 = Best.Of(w4, v.W, voxel);
                    }
            Ptx.Store4(a.Y + 16L * i, new Float4(x.Value, y.Value, z.Value, w4.Value));
            Ptx.Store4(a.Index + 16L * i, new Float4(Bits(x.At), Bits(y.At), Bits(z.At), Bits(w4.At)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Bits(int at) => Ptx.AsFloat((uint)at);

    /// <summary>The largest value so far and its voxel.</summary>
    struct Best
    {
        public float Value;
        public int At;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Best Start(int at) => new() { Value = float.NegativeInfinity, At = at };

        /// <summary>A number wins by being larger, a NaN against any number.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Best Of(Best best, float value, int at)
        {
            bool wins = value > best.Value || (float.IsNaN(value) && !float.IsNaN(best.Value));
            return new Best { Value = wins ? value : best.Value, At = wins ? at : best.At };
        }
    }
}
