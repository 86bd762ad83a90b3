namespace Cfr.Kernels.Cuda;

/// <summary>What a channel norm is made of; weight and bias may be none.</summary>
readonly record struct ChannelNormParameters(float Eps, View Mean, View Variance, View Weight, View Bias);

/// <summary>Batch, instance and group norm: chooses kernels, rents what their stages exchange.</summary>
sealed class GpuChannelNorm(GpuDevice gpu)
{
    static readonly Kernel<ColumnArguments> Moments = new("channel_moments", ColumnSums.Partial<MomentTerm>);
    static readonly Kernel<MomentArguments> MergeMoments = new("channel_moments_merge", ChannelMoments.Merge)
    {
        Threads = Segments.Threads,
    };
    static readonly Kernel<ChannelTotalArguments> Totals =
        new("channel_gradient_totals", ChannelNormGradient.Totals) { Threads = ColumnTotals.Threads };
    static readonly Kernel<ChannelGradientArguments> Coefficients =
        new("channel_gradient_coefficients", ChannelNormGradient.Coefficients);
    static readonly Kernel<ChannelGradientArguments> Parameters =
        new("channel_gradient_parameters", ChannelNormGradient.Parameters);

    /// <summary>A kernel an <see cref="Activation"/>, at its number.</summary>
    static readonly Kernel<ColumnArguments>[] Normalizing =
    [
        new("channel_normalize", ChannelNormalize.Apply<NoActivation>),
        new("channel_normalize_relu", ChannelNormalize.Apply<Relu>),
        new("channel_normalize_gelu", ChannelNormalize.Apply<Gelu>),
    ];

    static readonly Kernel<ColumnArguments> Adding = new("channel_normalize_relu_add", ChannelNormalize.Add<Relu>);

    static readonly Kernel<ConstantArguments> WritingConstants = new("channel_constants", ChannelConstants.Write);

    static readonly Kernel<ColumnArguments>[] GradientSums =
    [
        new("channel_gradient_sums", ColumnSums.Partial<ChannelGradientTerm<NoActivation, StoredGradient>>),
        new("channel_gradient_sums_relu", ColumnSums.Partial<ChannelGradientTerm<Relu, StoredGradient>>),
        new("channel_gradient_sums_gelu", ColumnSums.Partial<ChannelGradientTerm<Gelu, StoredGradient>>)
        {
            BlocksPerMultiprocessor = 3,
        },
    ];

    /// <summary>Of a <see cref="ProductView"/>.</summary>
    static readonly Kernel<ColumnArguments> ProductGradientSums = new(
        "channel_gradient_sums_relu_product", ColumnSums.Partial<ChannelGradientTerm<Relu, ProductGradient>>);
    static readonly Kernel<ColumnArguments> ProductInputGradient =
        new("channel_gradient_relu_product", ChannelNormGradient.Input<Relu, ProductGradient>);

    static readonly Kernel<ColumnArguments>[] InputGradient =
    [
        new("channel_gradient", ChannelNormGradient.Input<NoActivation, StoredGradient>),
        new("channel_gradient_relu", ChannelNormGradient.Input<Relu, StoredGradient>),
        new("channel_gradient_gelu", ChannelNormGradient.Input<Gelu, StoredGradient>),
    ];

    public void Statistics(NormShape shape, View x, View mean, View variance)
    {
        if (shape.Statistics == 0) return;
        ColumnTiling tiling = Tiling(shape, Moments, x);
        DeviceBuffer partials = RentPartials(shape, tiling);
        Launch(Moments, shape, new ColumnArguments { Tiling = tiling, X = x.Address, Partials = partials.Address });
        int channelsOfGroup = shape.Channels / shape.Groups;
        long values = (long)tiling.Pieces * tiling.Repeats * channelsOfGroup;
        var arguments = new MomentArguments
        {
            Tiling = tiling,
            X = x.Address,
            Partials = partials.Address,
            Mean = mean.Address,
            Variance = variance.Address,
            Statistics = shape.Statistics,
            Count = shape.Count,
            Groups = shape.Groups,
            ChannelsOfGroup = channelsOfGroup,
            Segment = Segments.Size(gpu.BlockSize(MergeMoments), values),
        };
        Segments.Launch(gpu, MergeMoments, arguments, arguments.Segment, shape.Statistics);
        partials.Release();
    }

    public void Normalize(NormShape shape, ChannelNormParameters parameters, View x, Activation activation, View y)
    {
        Kernel<ColumnArguments> kernel = Normalizing[(int)activation];
        Launch(kernel, shape, Arguments(Tiling(shape, kernel, x, y), shape, parameters, x, default, y));
    }

    /// <summary>See <see cref="IFusedNormalization.Constants"/>; without constants the statistics of moments alone.</summary>
    public void Constants(
        NormShape shape, View moments, ChannelNormParameters parameters, View constants, RunningView running)
    {
        var arguments = new ConstantArguments
        {
            Mean = parameters.Mean.Address,
            Variance = parameters.Variance.Address,
            Weight = parameters.Weight.Address,
            Bias = parameters.Bias.Address,
            Constants = constants.Address,
            Channels = new Divisor(shape.Channels),
            ChannelsOfGroup = new Divisor(shape.Channels / shape.Groups),
            Count = checked(Samples(shape) * shape.Channels),
            Groups = shape.Groups,
            Eps = parameters.Eps,
            Running = running.IsNone
                ? default
                : RunningArguments.Of(shape, parameters.Mean, parameters.Variance, running),
        };
        if (moments.IsNone)
            gpu.LaunchOver(WritingConstants, arguments, arguments.Count);
        else
            OutputMoments.Launch(gpu, moments, arguments);
    }

    /// <summary>y = x, or x + other (whose constants may be none).</summary>
    public void Write(NormalizedView x, View other, View othersConstants, View y)
    {
        Kernel<ColumnArguments> kernel = other.IsNone ? Normalizing[(int)Activation.Relu] : Adding;
        ColumnTiling tiling = Tiling(x.Shape, kernel, x.X, other, y);
        ColumnArguments arguments = Arguments(tiling, x.Shape, default, x.X, other, y);
        (arguments.Shift, arguments.Slope) = (x.Constants.Address, othersConstants.Address);
        Launch(kernel, x.Shape, arguments);
    }

    /// <summary>A gradient that is a product is for <see cref="Activation.Relu"/> alone.</summary>
    public void Backward(
        NormShape shape, ChannelNormParameters parameters, View x, Activation activation, bool fixedStatistics,
        NormGradient dy, View dx, View dWeight, View dBias)
    {
        bool wantsParameters = !dWeight.IsNone || !dBias.IsNone, dependsOnSums = !dx.IsNone && !fixedStatistics;
        long tableBytes = (long)Samples(shape) * shape.Channels * sizeof(float);
        DeviceBuffer coefficients = gpu.Pool.Rent(2 * tableBytes);
        nint shift = dependsOnSums ? coefficients.Address : 0, slope = dependsOnSums ? shift + (nint)tableBytes : 0;
        if (wantsParameters || dependsOnSums)
            Sums(shape, parameters, x, activation, dy, shift, slope, dWeight, dBias);
        if (!dx.IsNone)
        {
            Kernel<ColumnArguments> kernel = dy.IsStored ? InputGradient[(int)activation] : ProductInputGradient;
            ColumnTiling tiling = Tiling(shape, kernel, x, dy.Stored, dx);
            ColumnArguments arguments = Arguments(tiling, shape, parameters, x, dy.Stored, dx);
            (arguments.Shift, arguments.Slope, arguments.Product) = (shift, slope, dy.Product);
            Launch(kernel, shape, arguments);
        }
        coefficients.Release();
    }

    /// <summary>What follows from sums of g and of g d over each channel, where it has an address.</summary>
    void Sums(
        NormShape shape, ChannelNormParameters parameters, View x, Activation activation, NormGradient dy, nint shift,
        nint slope, View dWeight, View dBias)
    {
        int samples = Samples(shape);
        Kernel<ColumnArguments> kernel = dy.IsStored ? GradientSums[(int)activation] : ProductGradientSums;
        ColumnTiling tiling = Tiling(shape, kernel, x, dy.Stored);
        DeviceBuffer partials = RentPartials(shape, tiling);
        ColumnArguments first = Arguments(tiling, shape, parameters, x, dy.Stored, default);
        (first.Partials, first.Product) = (partials.Address, dy.Product);
        Launch(kernel, shape, first);

        long tableBytes = (long)samples * shape.Channels * sizeof(float);
        DeviceBuffer sums = gpu.Pool.Rent(2 * tableBytes);
        View sumG = new(sums.Address, 0, DType.Float32), sumGD = new(sums.Address + (nint)tableBytes, 0, DType.Float32);
        bool ownStatistics = shape.Groups == shape.Channels, atOnce = ownStatistics && samples == 1;
        var arguments = new ChannelGradientArguments
        {
            SumG = sumG.Address,
            SumGD = sumGD.Address,
            Variance = parameters.Variance.Address,
            Weight = parameters.Weight.Address,
            Shift = shift,
            Slope = slope,
            DWeight = dWeight.Address,
            DBias = dBias.Address,
            Count = shape.Count,
            Samples = samples,
            Channels = shape.Channels,
            Groups = shape.Groups,
            ChannelsOfGroup = shape.Channels / shape.Groups,
            Eps = parameters.Eps,
        };
        if (ownStatistics)
        {
            var totals = new ChannelTotalArguments
            {
                Pieces = ColumnTotals.Arguments(gpu, Totals, tiling, partials),
                Gradient = arguments,
            };
            if (atOnce)
                (totals.Gradient.SumG, totals.Gradient.SumGD) = (0, 0);
            else
                (totals.Gradient.DWeight, totals.Gradient.DBias) = (0, 0);
            gpu.Launch(Totals, totals, checked(samples * totals.Pieces.Blocks.Value));
        }
        else
        {
            ColumnTotals.Launch(gpu, tiling, samples, partials, sumG, sumGD);
            arguments.Segment = Segments.Size(gpu.BlockSize(Coefficients), arguments.ChannelsOfGroup);
            if (shift != 0) Segments.Launch(gpu, Coefficients, arguments, arguments.Segment, shape.Statistics);
        }
        if (!atOnce && (!dWeight.IsNone || !dBias.IsNone)) gpu.LaunchOver(Parameters, arguments, shape.Channels);
        sums.Release();
        partials.Release();
    }

    static int Samples(NormShape shape) => shape.AcrossBatch ? 1 : shape.Batch;

    ColumnTiling Tiling(NormShape shape, Kernel kernel, params ReadOnlySpan<View> operands) => new(
        gpu, gpu.BlockSize(kernel), Samples(shape), shape.AcrossBatch ? shape.Batch * shape.Spatial : shape.Spatial,
        shape.Channels, operands);

    DeviceBuffer RentPartials(NormShape shape, ColumnTiling tiling) =>
        gpu.Pool.Rent(2L * Samples(shape) * tiling.Pieces * tiling.LineFloats * sizeof(float));

    static ColumnArguments Arguments(
        ColumnTiling tiling, NormShape shape, ChannelNormParameters parameters, View x, View dy, View y) => new()
        {
            Tiling = tiling,
            X = x.Address,
            Dy = dy.Address,
            Y = y.Address,
            Mean = parameters.Mean.Address,
            Variance = parameters.Variance.Address,
            Weight = parameters.Weight.Address,
            Bias = parameters.Bias.Address,
            Groups = shape.Groups,
            ChannelsOfGroup = shape.Channels / shape.Groups,
            Eps = parameters.Eps,
        };

    void Launch(Kernel<ColumnArguments> kernel, NormShape shape, ColumnArguments arguments)
    {
        int blocks = checked(Samples(shape) * arguments.Tiling.Pieces);
        if (blocks > 0) gpu.Launch(kernel, arguments, blocks, arguments.Tiling.Tiles);
    }
}
