using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="UnreadVoxels"/>: a box of voxels of <c>[batch, Size, channels]</c>.</summary>
struct UnreadArguments
{
    public long Dx, Bias;
    public Extent Size, First;

    /// <summary>Of the box.</summary>
    public VoxelGrid Box;
    public int Items;
}

/// <summary>
/// The input gradient of voxels that no output reads, because a volume is no multiple of the stride: act(bias). They
/// are up to three slabs on its far sides. Bytes: 4 an element.
/// </summary>
static unsafe class UnreadVoxels
{
    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    static readonly Kernel<UnreadArguments>[] Kernels =
    [
        new("convolution_unread_voxels", Run<NoActivation>), new("convolution_unread_voxels_relu", Run<Relu>),
        new("convolution_unread_voxels_gelu", Run<Gelu>),
    ];

    /// <summary>Writes them if there are any. The kernel is as large as its stride, and there is no padding.</summary>
    public static void Launch(GpuDevice gpu, ConvolutionShape s, View bias, View dx, Activation activation)
    {
        Extent size = s.Input;
        int d = s.Output.D * s.Stride.D, h = s.Output.H * s.Stride.H, w = s.Output.W * s.Stride.W;
        Slab(new Extent(d, 0, 0), size with { D = size.D - d });
        Slab(new Extent(0, h, 0), new Extent(d, size.H - h, size.W));
        Slab(new Extent(0, 0, w), new Extent(d, h, size.W - w));

        void Slab(Extent first, Extent box)
        {
            if (box.Voxels == 0) return;
            long items = s.Batch * box.Voxels * s.InChannels;
            gpu.LaunchOver(
                Kernels[(int)activation],
                new UnreadArguments
                {
                    Dx = dx.Address,
                    Bias = bias.Address,
                    Size = size,
                    First = first,
                    Box = new VoxelGrid(box, s.InChannels),
                    Items = checked((int)items),
                },
                items);
        }
    }

    static void Run<TActivation>(UnreadArguments a) where TActivation : struct, IActivation
    {
        int threads = Grid.DimX * Group.DimX;
        for (int item = Grid.IdxX * Group.DimX + Group.IdxX; item < a.Items; item += threads)
        {
            VoxelPlace at = VoxelGrid.Locate(a.Box, item);
            int d = a.First.D + at.D, h = a.First.H + at.H, w = a.First.W + at.W;
            long voxel = (((long)at.Batch * a.Size.D + d) * a.Size.H + h) * a.Size.W + w;
            float value = a.Bias == 0 ? 0 : ((float*)a.Bias)[at.Channel];
            ((float*)a.Dx)[voxel * a.Box.Channels.Value + at.Channel] = TActivation.Apply(new Lane(value)).Value;
        }
    }
}
