using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// dx[v] = sum of dy over the windows that have their maximum in v. An input looks through the windows it lies in, in
/// their order, so that nothing is added by two threads. Bound by memory: 4 bytes written an input; dy and the indices
/// are read once from memory and, where windows overlap, again from the caches.
/// </summary>
static unsafe class MaxPoolBackward
{
    public static void Floats(PoolingArguments a)
    {
        float* dx = (float*)a.X, dy = (float*)a.Y;
        int* index = (int*)a.Index;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Items; i += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Grid, i);
            PoolingRange ds = PoolingRange.OfInput(at.D, a.OutputD, a.KernelD, a.StrideD, a.PaddingD);
            PoolingRange hs = PoolingRange.OfInput(at.H, a.OutputH, a.KernelH, a.StrideH, a.PaddingH);
            PoolingRange ws = PoolingRange.OfInput(at.W, a.OutputW, a.KernelW, a.StrideW, a.PaddingW);
            long volume = (long)at.Batch * a.OutputD * a.OutputH * a.OutputW;
            int own = (at.D * a.InputH + at.H) * a.InputW + at.W;
            float sum = 0;
            for (int d = ds.Begin; d < ds.End; d++)
                for (int h = hs.Begin; h < hs.End; h++)
                    for (int w = ws.Begin; w < ws.End; w++)
                    {
                        long window = (volume + (d * a.OutputH + h) * a.OutputW + w) * a.Channels + at.Channel;
                        if (index[window] == own) sum += dy[window];
                    }
            dx[i] = sum;
        }
    }

    public static void Packets(PoolingArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Items; i += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Grid, i);
            PoolingRange ds = PoolingRange.OfInput(at.D, a.OutputD, a.KernelD, a.StrideD, a.PaddingD);
            PoolingRange hs = PoolingRange.OfInput(at.H, a.OutputH, a.KernelH, a.StrideH, a.PaddingH);
            PoolingRange ws = PoolingRange.OfInput(at.W, a.OutputW, a.KernelW, a.StrideW, a.PaddingW);
            long volume = (long)at.Batch * a.OutputD * a.OutputH * a.OutputW;
            uint own = (uint)((at.D * a.InputH + at.H) * a.InputW + at.W);
            Float4 sum = default;
            for (int d = ds.Begin; d < ds.End; d++)
                for (int h = hs.Begin; h < hs.End; h++)
                    for (int w = ws.Begin; w < ws.End; w++)
                    {
                        long window = 16 * ((volume + (d * a.OutputH + h) * a.OutputW + w) * a.Channels + at.Channel);
                        Float4 voxel = Ptx.Load4(a.Index + window), gradient = Ptx.Load4(a.Y + window);
                        sum.X += Ptx.AsBits(voxel.X) == own ? gradient.X : 0;
                        sum.Y += Ptx.AsBits(voxel.Y) == own ? gradient.Y : 0;
                        sum.Z += Ptx.AsBits(voxel.Z) == own ? gradient.Z : 0;
                        sum.W += Ptx.AsBits(voxel.W) == own ? gradient.W : 0;
                    }
            Ptx.Store4(a.X + 16L * i, sum);
        }
    }
}
