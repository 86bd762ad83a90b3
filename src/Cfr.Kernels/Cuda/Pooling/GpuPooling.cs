namespace Cfr.Kernels.Cuda;

/// <summary>Max pooling: a thread an output forward, a thread an input backward.</summary>
sealed class GpuPooling(GpuDevice gpu) : IPooling
{
    static readonly Kernel<PoolingArguments> ForwardFloats = new("max_pool", MaxPoolForward.Floats);
    static readonly Kernel<PoolingArguments> ForwardPackets = new("max_pool_packets", MaxPoolForward.Packets);
    static readonly Kernel<PoolingArguments> BackwardFloats = new("max_pool_backward", MaxPoolBackward.Floats);
    static readonly Kernel<PoolingArguments> BackwardPackets = new("max_pool_backward_packets", MaxPoolBackward.Packets);

    public void MaxForward(PoolingShape shape, View x, View y, View argMax) =>
        Launch(ForwardFloats, ForwardPackets, shape, shape.Output, x, y, argMax, y.Count);

    public void MaxBackward(PoolingShape shape, View dy, View argMax, View dx) =>
        Launch(BackwardFloats, BackwardPackets, shape, shape.Input, dx, dy, argMax, dx.Count);

    void Launch(
        Kernel<PoolingArguments> floats, Kernel<PoolingArguments> packets, PoolingShape shape, Extent written, View x,
        View y, View index, long count)
    {
        if (count == 0) return;
        bool isPacked = shape.Channels % 4 == 0 && Packets.Of(count, x, y, index) > 0;
        int width = isPacked ? 4 : 1, channels = shape.Channels / width;
        var arguments = new PoolingArguments
        {
            X = x.Address,
            Y = y.Address,
            Index = index.Address,
            Items = checked((int)(count / width)),
            Grid = new VoxelGrid(written, channels),
            Channels = channels,
            StrideD = new Divisor(shape.Stride.D),
            StrideH = new Divisor(shape.Stride.H),
            StrideW = new Divisor(shape.Stride.W),
        };
        (arguments.InputD, arguments.InputH, arguments.InputW) = shape.Input;
        (arguments.OutputD, arguments.OutputH, arguments.OutputW) = shape.Output;
        (arguments.KernelD, arguments.KernelH, arguments.KernelW) = shape.Kernel;
        (arguments.PaddingD, arguments.PaddingH, arguments.PaddingW) = shape.Padding;
        gpu.LaunchOver(isPacked ? packets : floats, arguments, arguments.Items);
    }
}
