namespace Cfr.Kernels.Cuda;

/// <summary>Layer norm row by row; the others channel by channel (<see cref="GpuChannelNorm"/>).</summary>
sealed class GpuNormalization(GpuDevice gpu) : INormalization
{
    /// <summary>Lanes and floats, lanes and packets, block and floats, block and packets.</summary>
    static readonly Kernel<LayerNormArguments>[] Forward =
        Stored<StoredFloat32<Lane>, StoredFloat32<FourLanes>>("layer_norm");

    static readonly Kernel<LayerNormArguments>[] ForwardToBFloat16 =
        Stored<StoredBFloat16<Lane>, StoredBFloat16<FourLanes>>("layer_norm_to_bfloat16");

    static readonly Kernel<LayerNormArguments>[] InputGradient =
    [
        new("layer_norm_dx", LayerNorm.Backward<LanesOfWarp, Lane>),
        new("layer_norm_dx_packets", LayerNorm.Backward<LanesOfWarp, FourLanes>),
        new("layer_norm_dx_wide", LayerNorm.Backward<WholeBlock, Lane>),
        new("layer_norm_dx_wide_packets", LayerNorm.Backward<WholeBlock, FourLanes>),
    ];

    static readonly Kernel<LayerNormBackwardArguments> Together =
        new("layer_norm_backward", LayerNormBackward.Apply);

    static readonly Kernel<ColumnArguments> ParameterSums =
        new("layer_norm_parameter_sums", ColumnSums.Partial<LayerNormTerm>) { BlocksPerMultiprocessor = 3 };

    static readonly Kernel<RunningArguments> Running = new("running_statistics", RunningStatistics.Update);

    readonly GpuChannelNorm _channels = new(gpu);

    static Kernel<LayerNormArguments>[] Stored<TFloats, TPackets>(string name)
        where TFloats : struct, IStoredElement<Lane> where TPackets : struct, IStoredElement<FourLanes> =>
    [
        new(name, LayerNorm.Forward<LanesOfWarp, Lane, TFloats>),
        new($"{name}_packets", LayerNorm.Forward<LanesOfWarp, FourLanes, TPackets>),
        new($"{name}_wide", LayerNorm.Forward<WholeBlock, Lane, TFloats>),
        new($"{name}_wide_packets", LayerNorm.Forward<WholeBlock, FourLanes, TPackets>),
    ];

    public void LayerForward(
        long rows, int width, float eps, View x, View weight, View bias, View y, View mean, View inverseDeviation)
    {
        if (rows == 0) return;
        var plan = new RowPlan(width, x, weight, bias, y);
        LayerNormArguments arguments = Arguments(plan, rows, width, x, weight, mean, inverseDeviation);
        (arguments.Bias, arguments.Y, arguments.Eps) = (bias.Address, y.Address, eps);
        Kernel<LayerNormArguments> kernel = plan.Of(y.Type == DType.BFloat16 ? ForwardToBFloat16 : Forward);
        gpu.Launch(kernel, arguments, plan.Blocks(gpu, kernel, rows));
    }

    public void LayerBackward(
        long rows, int width, View x, View weight, View mean, View inverseDeviation, View dy,
        View dx, View dWeight, View dBias, bool accumulate = false)
    {
        if (width == 0) return;
        bool wantsParameters = !dWeight.IsNone || !dBias.IsNone;
        var plan = new RowPlan(width, x, weight, dy, dx);
        LayerNormArguments arguments = Arguments(plan, rows, width, x, weight, mean, inverseDeviation);
        (arguments.Dy, arguments.Y, arguments.Accumulates) = (dy.Address, dx.Address, accumulate ? 1 : 0);
        if (wantsParameters && !dx.IsNone && rows > 0 && plan.Packed && plan.Vectors <= gpu.BlockSize(Together))
        {
            AllGradients(plan, arguments, dWeight, dBias);
            return;
        }
        if (wantsParameters) ParameterGradients(rows, width, x, mean, inverseDeviation, dy, dWeight, dBias);
        if (dx.IsNone || rows == 0) return;
        Kernel<LayerNormArguments> kernel = plan.Of(InputGradient);
        gpu.Launch(kernel, arguments, plan.Blocks(gpu, kernel, rows));
    }

    public void Statistics(NormShape shape, View x, View mean, View variance) =>
        _channels.Statistics(shape, x, mean, variance);

    public void UpdateRunning(NormShape shape, View mean, View variance, RunningView running) =>
        gpu.LaunchOver(Running, RunningArguments.Of(shape, mean, variance, running), shape.Statistics);

    public void Normalize(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        View y) =>
        _channels.Normalize(shape, new ChannelNormParameters(eps, mean, variance, weight, bias), x, activation, y);

    public void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        bool fixedStatistics, View dy, View dx, View dWeight, View dBias) =>
        _channels.Backward(
            shape, new ChannelNormParameters(eps, mean, variance, weight, bias), x, activation, fixedStatistics, dy, dx,
            dWeight, dBias);

    static LayerNormArguments Arguments(
        RowPlan plan, long rows, int width, View x, View weight, View mean, View inverseDeviation) => new()
        {
            Rows = rows,
            X = x.Address,
            Weight = weight.Address,
            Mean = mean.Address,
            InverseDeviation = inverseDeviation.Address,
            Width = width,
            Vectors = plan.Vectors,
            Lanes = plan.Lanes,
            Share = 1f / width,
        };

    void AllGradients(RowPlan plan, LayerNormArguments arguments, View dWeight, View dBias)
    {
        int threads = gpu.BlockSize(Together), teams = threads / plan.Lanes;
        int blocks = (int)Math.Min((arguments.Rows + teams - 1) / teams, gpu.FullGrid);
        int pieces = blocks * LayerNormBackward.Groups(threads, plan.Vectors);
        DeviceBuffer partials = gpu.Pool.Rent(2L * pieces * arguments.Width * sizeof(float));
        gpu.Launch(
            Together, new LayerNormBackwardArguments { Norm = arguments, Partials = partials.Address }, blocks);
        var tiling = new ColumnTiling { Channels = arguments.Width, Columns = plan.Vectors, Pieces = pieces };
        ColumnTotals.Launch(gpu, tiling, 1, partials, dWeight, dBias);
        partials.Release();
    }

    void ParameterGradients(
        long rows, int width, View x, View mean, View inverseDeviation, View dy, View dWeight, View dBias)
    {
        var tiling = new ColumnTiling(gpu, gpu.BlockSize(ParameterSums), 1, rows, width, x, dy);
        DeviceBuffer partials = gpu.Pool.Rent(2L * tiling.Pieces * tiling.LineFloats * sizeof(float));
        var arguments = new ColumnArguments
        {
            Tiling = tiling,
            X = x.Address,
            Dy = dy.Address,
            Partials = partials.Address,
            Mean = mean.Address,
            Variance = inverseDeviation.Address,
        };
        gpu.Launch(ParameterSums, arguments, tiling.Pieces, tiling.Tiles);
        ColumnTotals.Launch(gpu, tiling, 1, partials, dWeight, dBias);
        partials.Release();
    }
}
