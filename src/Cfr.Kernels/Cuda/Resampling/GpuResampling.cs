namespace Cfr.Kernels.Cuda;

/// <summary>
/// Resizing in one pass forward, axis by axis backward, so that each element of dy is read by two threads and not by
/// eight.
/// </summary>
sealed class GpuResampling(GpuDevice gpu) : IResampling
{
    static readonly Kernel<ResizeArguments> ForwardFloats = new("resize", ResizeForward.Run<Float1>);
    static readonly Kernel<ResizeArguments> ForwardPackets = new("resize_packets", ResizeForward.Run<Float4>);
    static readonly Kernel<ResizeBackwardArguments> BackwardFloats = new("resize_backward", ResizeBackward.Run<Float1>);
    static readonly Kernel<ResizeBackwardArguments> BackwardPackets =
        new("resize_backward_packets", ResizeBackward.Run<Float4>);

    public void Forward(ResamplingShape shape, View x, View y)
    {
        if (y.Count == 0) return;
        bool packets = shape.Channels % 4 == 0 && Packets.Of(y.Count, x, y) > 0;
        int width = packets ? 4 : 1;
        var arguments = new ResizeArguments
        {
            X = x.Address,
            Y = y.Address,
            Items = checked((int)(y.Count / width)),
            Grid = new VoxelGrid(shape.Output, shape.Channels / width),
            D = Map(shape, 0),
            H = Map(shape, 1),
            W = Map(shape, 2),
        };
        gpu.LaunchOver(packets ? ForwardPackets : ForwardFloats, arguments, arguments.Items);
    }

    public void Backward(ResamplingShape shape, View dy, View dx)
    {
        if (dx.Count == 0) return;
        int[] sizes = [shape.Output.D, shape.Output.H, shape.Output.W];
        int[] wanted = [shape.Input.D, shape.Input.H, shape.Input.W], order = ResamplingShape.AxisOrder(sizes, wanted);
        if (order.Length == 0) order = [0];
        View from = dy;
        DeviceBuffer? between = null;
        foreach (int axis in order)
        {
            sizes[axis] = wanted[axis];
            long inner = shape.Channels, count = (long)shape.Batch * sizes[0] * sizes[1] * sizes[2] * shape.Channels;
            for (int i = axis + 1; i < 3; i++) inner *= sizes[i];
            DeviceBuffer? result = axis == order[^1] ? null : gpu.Allocate(DType.Float32, count);
            View to = result is null ? dx : new View(result.Address, count, DType.Float32);
            Pass(Map(shape, axis), inner, from, to);
            between?.Release();
            between = result;
            from = to;
        }
    }

    void Pass(AxisMap map, long inner, View dy, View dx)
    {
        bool packets = inner % 4 == 0 && Packets.Of(dx.Count, dy, dx) > 0;
        int width = packets ? 4 : 1;
        var arguments = new ResizeBackwardArguments
        {
            Dy = dy.Address,
            Dx = dx.Address,
            Items = checked((int)(dx.Count / width)),
            Inner = new Divisor(checked((int)(inner / width))),
            Inputs = new Divisor(map.Inputs),
            Map = map,
        };
        gpu.LaunchOver(packets ? BackwardPackets : BackwardFloats, arguments, arguments.Items);
    }

    static AxisMap Map(ResamplingShape shape, int axis)
    {
        var (inputs, outputs) = axis switch
        {
            0 => (shape.Input.D, shape.Output.D),
            1 => (shape.Input.H, shape.Output.H),
            _ => (shape.Input.W, shape.Output.W),
        };
        return new AxisMap(inputs, outputs, shape.Interpolation, shape.AlignCorners);
    }
}
