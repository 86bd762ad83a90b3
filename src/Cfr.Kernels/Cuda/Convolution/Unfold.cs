using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Lays the patches that a kernel sees out as rows of a matrix (im2col), so that any convolution is a matrix product.
/// <code>  patches[o, (k, c)] = x[o stride + k - padding, c], or 0 outside</code>
/// Bytes: <c>KD KH KW / (stride D H W)</c> times the volume are written and mostly read from caches. Where a kernel is
/// as large as its stride, each input goes to one place: 4 bytes read and 2 (bfloat16) written.
/// </summary>
static class Unfold
{
    public static readonly Kernel<PatchArguments> Elements =
        new("convolution_unfold", Run<Lane, StoredFloat32<Lane>>);
    public static readonly Kernel<PatchArguments> Packets =
        new("convolution_unfold_packets", Run<FourLanes, StoredFloat32<FourLanes>>);
    public static readonly Kernel<PatchArguments> ElementsToBFloat16 =
        new("convolution_unfold_to_bfloat16", Run<Lane, StoredBFloat16<Lane>>);
    public static readonly Kernel<PatchArguments> PacketsToBFloat16 =
        new("convolution_unfold_to_bfloat16_packets", Run<FourLanes, StoredBFloat16<FourLanes>>);

    static void Run<V, TElement>(PatchArguments a)
        where V : unmanaged, IDeviceVector<V> where TElement : struct, IStoredElement<V>
    {
        int threads = Grid.DimX * Group.DimX;
        for (int item = Grid.IdxX * Group.DimX + Group.IdxX; item < a.Items; item += threads)
        {
            int row = item / a.RowVectors, column = item - row * a.RowVectors.Value;
            int tap = column / a.ChannelVectors, channel = (column - tap * a.ChannelVectors.Value) * V.Width;
            int line = tap / a.KernelW, kw = tap - line * a.KernelW.Value;
            int kd = line / a.KernelH, kh = line - kd * a.KernelH.Value;
            VoxelPlace o = VoxelGrid.Locate(a.OutputVoxels, a.First + row);
            int d = o.D * a.StrideD.Value + kd - a.Padding.D, h = o.H * a.StrideH.Value + kh - a.Padding.H;
            int w = o.W * a.StrideW.Value + kw - a.Padding.W;
            bool isInside = (uint)d < (uint)a.Size.D & (uint)h < (uint)a.Size.H & (uint)w < (uint)a.Size.W;
            long voxel = (((long)o.Batch * a.Size.D + d) * a.Size.H + h) * a.Size.W + w;
            V value = V.Splat(0);
            if (isInside) value = V.LoadFrom(a.Volume + (voxel * a.Channels + channel) * sizeof(float));
            TElement.Store(value, a.Patches + (long)item * V.Width * TElement.Bytes);
        }
    }
}
