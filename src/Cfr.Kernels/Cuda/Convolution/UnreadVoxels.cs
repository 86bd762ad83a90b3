using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The input gradient of voxels that no output reads, because a volume is no multiple of the stride: act(bias). They
/// are some planes on the far sides; a thread asks of each element whether it is one.
/// </summary>
static unsafe class UnreadVoxels
{
    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    static readonly Kernel<ConvolutionArguments>[] Kernels =
    [
        new("convolution_unread_voxels", Run<NoActivation>), new("convolution_unread_voxels_relu", Run<Relu>),
        new("convolution_unread_voxels_gelu", Run<Gelu>),
    ];

    /// <summary>Writes them if there are any. The kernel is as large as its stride.</summary>
    public static void Launch(GpuDevice gpu, ConvolutionShape shape, View bias, View dx, Activation activation)
    {
        if (shape.Batch * shape.Output.Voxels * shape.Kernel.Voxels * shape.InChannels == dx.Count) return;
        gpu.LaunchOver(
            Kernels[(int)activation],
            new ConvolutionArguments
            {
                X = dx.Address,
                Bias = bias.Address,
                Items = checked((int)dx.Count),
                Grid = new VoxelGrid(shape.Input, shape.InChannels),
                Shape = shape,
            },
            dx.Count);
    }

    static void Run<TActivation>(ConvolutionArguments a) where TActivation : struct, IActivation
    {
        Extent output = a.Shape.Output, stride = a.Shape.Stride;
        int threads = Grid.DimX * Group.DimX;
        for (int item = Grid.IdxX * Group.DimX + Group.IdxX; item < a.Items; item += threads)
        {
            VoxelPlace i = VoxelGrid.Locate(a.Grid, item);
            bool isRead = i.D < output.D * stride.D & i.H < output.H * stride.H & i.W < output.W * stride.W;
            if (isRead) continue;
            float value = a.Bias == 0 ? 0 : ((float*)a.Bias)[i.Channel];
            ((float*)a.X)[item] = TActivation.Apply(new Lane(value)).Value;
        }
    }
}
