using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Adds up what patches say of each voxel (col2im), the counterpart of <see cref="Unfold"/>:
/// <code>  dx[i, c] = act(bias[c] + sum over taps k with o stride + k - padding = i of patches[o, (k, c)])</code>
/// Along each axis only the taps k = (i + padding) mod stride, + stride, ... are visited, in this order. Where a kernel
/// is as large as its stride there is one: 4 bytes in and 4 out.
/// </summary>
static class Fold
{
    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    public static readonly Kernel<PatchArguments>[] Elements =
    [
        new("convolution_fold", Run<Lane, NoActivation>), new("convolution_fold_relu", Run<Lane, Relu>),
        new("convolution_fold_gelu", Run<Lane, Gelu>),
    ];

    public static readonly Kernel<PatchArguments>[] Packets =
    [
        new("convolution_fold_packets", Run<FourLanes, NoActivation>),
        new("convolution_fold_packets_relu", Run<FourLanes, Relu>),
        new("convolution_fold_packets_gelu", Run<FourLanes, Gelu>),
    ];

    static void Run<V, TActivation>(PatchArguments a)
        where V : unmanaged, IDeviceVector<V> where TActivation : struct, IActivation
    {
        int threads = Grid.DimX * Group.DimX;
        for (int item = Grid.IdxX * Group.DimX + Group.IdxX; item < a.Items; item += threads)
        {
            VoxelPlace i = VoxelGrid.Locate(a.Voxels, item);
            int channel = i.Channel * V.Width;
            int fromD = i.D + a.Padding.D, fromH = i.H + a.Padding.H, fromW = i.W + a.Padding.W;
            int outD = fromD / a.StrideD, outH = fromH / a.StrideH, outW = fromW / a.StrideW;
            int tapH = fromH - outH * a.StrideH.Value, tapW = fromW - outW * a.StrideW.Value;
            V sum = a.Bias == 0 ? V.Splat(0) : V.LoadFrom(a.Bias + channel * sizeof(float));
            for (int kd = fromD - outD * a.StrideD.Value, d = outD; kd < a.Kernel.D; kd += a.StrideD.Value, d--)
                for (int kh = tapH, h = outH; kh < a.Kernel.H; kh += a.StrideH.Value, h--)
                    for (int kw = tapW, w = outW; kw < a.Kernel.W; kw += a.StrideW.Value, w--)
                    {
                        bool isInside = (uint)d < (uint)a.Output.D & (uint)h < (uint)a.Output.H
                            & (uint)w < (uint)a.Output.W;
                        if (!isInside) continue;
                        long row = (((long)i.Batch * a.Output.D + d) * a.Output.H + h) * a.Output.W + w;
                        int tap = (kd * a.Kernel.H + kh) * a.Kernel.W + kw;
                        sum += V.LoadFrom(
                            a.Patches + (row * a.Columns + tap * a.Channels + channel) * sizeof(float));
                    }
            TActivation.Apply(sum).StoreTo(a.Volume + (long)item * V.Width * sizeof(float));
        }
    }
}
