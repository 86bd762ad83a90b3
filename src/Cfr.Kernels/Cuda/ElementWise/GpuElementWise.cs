namespace Cfr.Kernels.Cuda;

/// <summary>Functions of single elements: one kernel a function.</summary>
sealed class GpuElementWise(GpuDevice gpu) : IElementWise
{
    static readonly Kernel<MapArguments> AffineKernel = new("affine", MapKernel.Apply<Affine>);
    static readonly Kernel<MapArguments> ClampKernel = new("clamp", MapKernel.Apply<Clamp>);
    static readonly Kernel<MapArguments> ClampBackwardKernel = new("clamp_backward", MapKernel.Backward<Clamp>);

    /// <summary>Forward and backward kernel of each <see cref="UnaryOp"/>, at its number.</summary>
    static readonly Kernel<MapArguments>[] UnaryKernels =
    [
        new("relu", MapKernel.Apply<Activated<Relu>>),
        new("leaky_relu", MapKernel.Apply<LeakyRelu>),
        new("gelu", MapKernel.Apply<Activated<Gelu>>),
        new("sigmoid", MapKernel.Apply<Sigmoid>),
        new("tanh", MapKernel.Apply<Tanh>),
        new("exp", MapKernel.Apply<Exp>),
        new("log", MapKernel.Apply<Log>),
        new("sqrt", MapKernel.Apply<SquareRoot>),
        new("square", MapKernel.Apply<Square>),
        new("abs", MapKernel.Apply<AbsoluteValue>),
        new("reciprocal", MapKernel.Apply<Reciprocal>),
        new("sin", MapKernel.Apply<Sine>),
        new("cos", MapKernel.Apply<Cosine>),
    ];

    static readonly Kernel<MapArguments>[] UnaryBackwardKernels =
    [
        new("relu_backward", MapKernel.Backward<Activated<Relu>>),
        new("leaky_relu_backward", MapKernel.Backward<LeakyRelu>),
        new("gelu_backward", MapKernel.Backward<Activated<Gelu>>),
        new("sigmoid_backward", MapKernel.Backward<Sigmoid>),
        new("tanh_backward", MapKernel.Backward<Tanh>),
        new("exp_backward", MapKernel.Backward<Exp>),
        new("log_backward", MapKernel.Backward<Log>),
        new("sqrt_backward", MapKernel.Backward<SquareRoot>),
        new("square_backward", MapKernel.Backward<Square>),
        new("abs_backward", MapKernel.Backward<AbsoluteValue>),
        new("reciprocal_backward", MapKernel.Backward<Reciprocal>),
        new("sin_backward", MapKernel.Backward<Sine>),
        new("cos_backward", MapKernel.Backward<Cosine>),
    ];

    public void Fill(View y, float value) => throw new NotImplementedException();

    public void Affine(View x, float scale, float shift, View y) => Map(AffineKernel, x, default, y, scale, shift);

    public void Unary(UnaryOp op, View x, View y, float parameter = 0) =>
        Map(UnaryKernels[(int)op], x, default, y, parameter);

    public void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0) =>
        Map(UnaryBackwardKernels[(int)op], x, dy, dx, parameter);

    public void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y) => throw new NotImplementedException();

    public void AddScaled(View x, float scale, View y) => throw new NotImplementedException();

    public void Clamp(View x, float low, float high, View y) => Map(ClampKernel, x, default, y, low, high);

    public void ClampBackward(View x, float low, float high, View dy, View dx) =>
        Map(ClampBackwardKernel, x, dy, dx, low, high);

    public void EqualTo(View labels, int value, View y) => throw new NotImplementedException();

    void Map(Kernel<MapArguments> kernel, View x, View dy, View y, float p, float q = 0)
    {
        int packets = Packets.Of(y.Count, x, dy, y);
        gpu.LaunchOver(
            kernel,
            new MapArguments
            {
                X = x.Address,
                Dy = dy.Address,
                Y = y.Address,
                Packets = packets,
                Count = y.Count,
                P = p,
                Q = q,
            },
            packets > 0 ? packets : y.Count);
    }
}
