namespace Cfr.Kernels.Cuda;

/// <summary>Functions of one or two elements: one kernel a function.</summary>
sealed class GpuElementWise(GpuDevice gpu) : IElementWise
{
    static readonly Kernel<FillArguments> FillKernel = new("fill", Filling.Run);
    static readonly Kernel<MapArguments> AddScaledKernel = new("add_scaled", MapKernel.AddScaled);
    static readonly Kernel<CurveArguments> BezierKernel = new("bezier_curves", CurveKernel.Run);
    static readonly Kernel<EqualToArguments> EqualToKernel = new("equal_to", LabelMask.Run);
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

    /// <summary>The kernel of each <see cref="BinaryOp"/>, at its number.</summary>
    static readonly Kernel<BroadcastArguments>[] BinaryKernels =
    [
        new("add", BroadcastKernel.Apply<Add>),
        new("subtract", BroadcastKernel.Apply<Subtract>),
        new("multiply", BroadcastKernel.Apply<Multiply>),
        new("divide", BroadcastKernel.Apply<Divide>),
        new("maximum", BroadcastKernel.Apply<Maximum>),
        new("minimum", BroadcastKernel.Apply<Minimum>),
        new("greater", BroadcastKernel.Apply<Greater>),
    ];

    static readonly Kernel<BroadcastArguments> KeepKernel = new("keep", BroadcastKernel.Apply<Keep>);

    public void Fill(View y, float value)
    {
        int packets = Packets.Of(y.Count, y);
        gpu.LaunchOver(
            FillKernel, new FillArguments { Y = y.Address, Packets = packets, Count = y.Count, Value = value },
            packets > 0 ? packets : y.Count);
    }

    public void Affine(View x, float scale, float shift, View y) => Map(AffineKernel, x, default, y, scale, shift);

    public void Unary(UnaryOp op, View x, View y, float parameter = 0) =>
        Map(UnaryKernels[(int)op], x, default, y, parameter);

    public void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0) =>
        Map(UnaryBackwardKernels[(int)op], x, dy, dx, parameter);

    public void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y) =>
        Combine(BinaryKernels[(int)op], broadcast, a, b, y);

    /// <summary>y = a b where b > 0, else 0 whatever a is: b is a scaled mask.</summary>
    public void Keep(Broadcast broadcast, View a, View mask, View y) => Combine(KeepKernel, broadcast, a, mask, y);

    public void AddScaled(View x, float scale, View y) => Map(AddScaledKernel, x, default, y, scale);

    public void Clamp(View x, float low, float high, View y) => Map(ClampKernel, x, default, y, low, high);

    public void ClampBackward(View x, float low, float high, View dy, View dx) =>
        Map(ClampBackwardKernel, x, dy, dx, low, high);

    public void BezierCurves(long rows, int channels, View x, View points, View y)
    {
        int count = checked((int)(rows * channels));
        gpu.LaunchOver(
            BezierKernel,
            new CurveArguments
            {
                X = x.Address,
                Points = points.Address,
                Y = y.Address,
                Count = count,
                Channels = new Divisor(channels),
            },
            count);
    }

    public void EqualTo(View labels, int value, View y)
    {
        int packets = Packets.Of(y.Count, labels, y);
        gpu.LaunchOver(
            EqualToKernel,
            new EqualToArguments
            {
                Labels = labels.Address,
                Y = y.Address,
                Packets = packets,
                Count = y.Count,
                Value = value,
            },
            packets > 0 ? packets : y.Count);
    }

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

    /// <summary>Elements that are taken one by one in a launch: their indices have 31 bits.</summary>
    internal long MostElements { get; init; } = int.MaxValue;

    void Combine(Kernel<BroadcastArguments> kernel, Broadcast broadcast, View a, View b, View y)
    {
        if (broadcast.Count == 0) return;
        broadcast = broadcast.Merged();
        int packets = PacketsOf(broadcast, a, b, y);
        if (packets == 0 && broadcast.Count > MostElements)
        {
            CombineHalves(kernel, broadcast, a, b, y);
            return;
        }
        gpu.LaunchOver(
            kernel,
            new BroadcastArguments
            {
                A = a.Address,
                B = b.Address,
                Y = y.Address,
                Packets = packets,
                Count = broadcast.Count,
                Inner = new Divisor((int)(packets > 0 ? Math.Max(1, broadcast.Inner / 4) : broadcast.Inner)),
                Middle = new Divisor((int)broadcast.Middle),
                OuterStride = broadcast.OuterStride,
                MiddleStride = broadcast.MiddleStride,
                InnerStride = broadcast.InnerStride,
            },
            packets > 0 ? packets : broadcast.Count);
    }

    /// <summary>Each half of the outermost axis by itself.</summary>
    void CombineHalves(Kernel<BroadcastArguments> kernel, Broadcast broadcast, View a, View b, View y)
    {
        var (outer, middle, inner, outerStride, middleStride, innerStride) = broadcast;
        var (lower, upper) = outer > 1
            ? (broadcast with { Outer = outer / 2 }, broadcast with { Outer = outer - outer / 2 })
            : middle > 1
                ? (broadcast with { Middle = middle / 2 }, broadcast with { Middle = middle - middle / 2 })
                : (broadcast with { Inner = inner / 2 }, broadcast with { Inner = inner - inner / 2 });
        long stepOfB = outer > 1
            ? lower.Outer * outerStride
            : middle > 1 ? lower.Middle * middleStride : lower.Inner * innerStride;
        Combine(kernel, lower, a.Slice(0, lower.Count), b, y.Slice(0, lower.Count));
        Combine(kernel, upper, a.Slice(lower.Count), b.Slice(stepOfB), y.Slice(lower.Count));
    }

    /// <summary>
    /// Packets of a in all, or 0 where rows of several do not consist of them or those of b do not lie on them.
    /// </summary>
    static int PacketsOf(Broadcast broadcast, View a, View b, View y)
    {
        bool isOneRow = broadcast.Outer * broadcast.Middle == 1;
        bool repeatsNumbers = broadcast.InnerStride == 0;
        bool rowsFit = repeatsNumbers
            || (broadcast.InnerStride == 1 && broadcast.OuterStride % 4 == 0 && broadcast.MiddleStride % 4 == 0);
        if (!rowsFit || (broadcast.Inner % 4 != 0 && !isOneRow)) return 0;
        return repeatsNumbers ? Packets.Of(broadcast.Count, a, y) : Packets.Of(broadcast.Count, a, b, y);
    }
}
