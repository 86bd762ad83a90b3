namespace Cfr.Kernels.Cuda;

/// <summary>
/// Weight gradients of convolutions. Sizes and the device's precision alone choose the way:
/// <list type="bullet">
/// <item>one input channel is bound by memory (<see cref="OneChannelGradient"/>);</item>
/// <item>3 x 3 x 3 taps and many channels go to warp groups where there are some (<see cref="WarpgroupGradient"/>);
/// </item>
/// <item>stride 1 and kernels up to 3, larger than a voxel, walk along H (<see cref="VolumeGradient"/>), unless there
/// are fewer voxels than a patch has elements: patches are then small, and their product is faster;</item>
/// <item>kernels as large as their stride are a product with x as it lies (<see cref="DisjointProduct"/>), with the
/// sizes that <see cref="GpuConvolution"/> names;</item>
/// <item>everything else is a matrix product, of patches where a kernel is larger than a voxel (<see
/// cref="PatchProduct"/>);</item>
/// <item>what is too small to matter is summed by a thread a weight.</item>
/// </list>
/// </summary>
sealed class GpuWeightGradient(GpuDevice gpu)
{
    /// <summary>Voxels below which the first rung will do for small work: some ten microseconds.</summary>
    const long FewVoxels = 1 << 12;

    readonly PatchProduct _product = new(gpu);

    readonly GpuDisjointConvolution _disjoint = new(gpu);

    static readonly Kernel<ConvolutionArguments> NaiveKernel =
        new("convolution_weight_gradient_naive", NaiveConvolution.WeightGradient);

    public void Run(ConvolutionShape shape, View x, View dy, View dw)
    {
        ConvolutionWay way = Way(shape);
        if (way != ConvolutionWay.Naive && OneChannelGradient.Launch(gpu, shape, x, dy, dw)) return;
        if (way == ConvolutionWay.Product && _disjoint.WeightGradient(shape, x, dy, dw)) return;
        Run(way, shape, x, dy, dw);
    }

    /// <summary>The same on a chosen way.</summary>
    public void Run(ConvolutionWay way, ConvolutionShape shape, View x, View dy, View dw)
    {
        if (way == ConvolutionWay.Naive)
            Naive(shape, x, dy, dw);
        else if (way == ConvolutionWay.Product)
            _product.WeightGradient(shape, x, dy, dw);
        else
            Walk(way, shape, x, dy, dw, default);
    }

    /// <summary>Whether it walks along H or takes items, and may so normalise what it reads of x.</summary>
    public bool Walks(ConvolutionShape shape) =>
        shape.InChannels > 1 && Way(shape) is ConvolutionWay.Registers or ConvolutionWay.TensorCores;

    /// <summary>Whether it is a product with x as it lies, which may normalise what it reads of x or dy.</summary>
    public bool IsDisjoint(ConvolutionShape shape) =>
        Way(shape) == ConvolutionWay.Product && _disjoint.TakesNorms(shape);

    /// <summary>The same with x going through constants.</summary>
    public void Walk(ConvolutionShape shape, View x, View dy, View dw, ChannelTable constants) =>
        Walk(Way(shape), shape, x, dy, dw, constants);

    ConvolutionWay Way(ConvolutionShape shape)
    {
        if (shape.Flop / 2 <= gpu.SmallWork && shape.Batch * shape.Output.Voxels < FewVoxels) return ConvolutionWay.Naive;
        if (IsForWarpgroups(shape)) return ConvolutionWay.TensorCores;
        if (!VolumeGradientPlan.Takes(shape) || shape.IsPointwise || IsDeep(shape))
            return ConvolutionWay.Product;
        return KernelOf(gpu.Precision, shape).Kernel.Threads > gpu.ThreadsPerBlock ? ConvolutionWay.Product
            : gpu.Precision == Precision.Float32 ? ConvolutionWay.Registers
            : ConvolutionWay.TensorCores;
    }

    static bool IsDeep(ConvolutionShape shape) =>
        shape.Batch * shape.Output.Voxels < shape.Kernel.Voxels * shape.InChannels;

    bool IsForWarpgroups(ConvolutionShape shape) =>
        gpu.Precision == Precision.BFloat16 && gpu.HasWarpgroups && WarpgroupGradientPlan.Takes(shape)
        && WarpgroupGradient.Kernel.Threads <= gpu.ThreadsPerBlock
        && WarpgroupGradient.SharedBytes <= gpu.SharedBytesPerBlock;

    void Walk(ConvolutionWay way, ConvolutionShape shape, View x, View dy, View dw, ChannelTable constants)
    {
        if (way == ConvolutionWay.TensorCores && IsForWarpgroups(shape))
            OfItems(shape, x, dy, dw, WarpgroupGradient.Kernel, constants);
        else
            Walk(shape, x, dy, dw, KernelOf(PrecisionOf(way), shape), constants);
    }

    /// <summary>Walks along H with a given kernel.</summary>
    internal void Walk(
        ConvolutionShape shape, View x, View dy, View dw, VolumeGradientKernel kernel, ChannelTable constants = default)
    {
        var plan = new VolumeGradientPlan(shape, kernel, x, dy);
        VolumeGradientArguments arguments = plan.Arguments;
        arguments.X.Constants = constants;
        DeviceBuffer? partials = Partials(plan.Pieces, dw);
        arguments.Partials = partials?.Address ?? dw.Address;
        gpu.Launch(kernel.Kernel, arguments, plan.Pieces, plan.BlocksIn, plan.BlocksOut);
        Add(plan.Pieces, partials, dw);
    }

    /// <summary>Rounds x and dy to items, and multiplies those by warp groups.</summary>
    internal void OfItems(
        ConvolutionShape shape, View x, View dy, View dw, Kernel<WarpgroupGradientArguments> kernel,
        ChannelTable constants = default)
    {
        var plan = new WarpgroupGradientPlan(shape);
        DeviceBuffer ofX = gpu.Pool.Rent(plan.BytesOfX), ofDy = gpu.Pool.Rent(plan.BytesOfDy);
        PlaneItemsArguments items = plan.Items(x, dy, ofX.Address, ofDy.Address, constants);
        int threads = gpu.BlockSize(PlaneItems.Kernel), most = Math.Max(items.X.Count, items.Dy.Count);
        gpu.Launch(PlaneItems.Kernel, items, Math.Min((most - 1) / threads + 1, gpu.FullGrid), 2);

        DeviceBuffer? partials = Partials(plan.Pieces, dw);
        int rowBlocks = WarpgroupGradient.Taps * Ptx.WarpgroupThreads / kernel.Threads;
        gpu.Launch(
            kernel, plan.Arguments(ofX.Address, ofDy.Address, partials?.Address ?? dw.Address), plan.Pieces,
            WarpgroupGradient.Taps * rowBlocks, plan.BlocksIn * plan.BlocksOut);
        ofX.Release();
        ofDy.Release();
        Add(plan.Pieces, partials, dw);
    }

    /// <summary>Memory for sums of pieces; none where there is one, which is dw.</summary>
    DeviceBuffer? Partials(int pieces, View dw) =>
        pieces == 1 ? null : gpu.Pool.Rent(pieces * dw.Count * sizeof(float));

    /// <summary>Adds them up, in order.</summary>
    void Add(int pieces, DeviceBuffer? partials, View dw)
    {
        if (partials is null) return;
        gpu.Reduction.Sum(1, pieces, dw.Count, new View(partials.Address, pieces * dw.Count, DType.Float32), dw);
        partials.Release();
    }

    void Naive(ConvolutionShape shape, View x, View dy, View dw) => gpu.LaunchOver(
        NaiveKernel,
        new ConvolutionArguments
        {
            X = x.Address,
            W = dw.Address,
            Y = dy.Address,
            Items = checked((int)dw.Count),
            Shape = shape,
        },
        dw.Count);

    static VolumeGradientKernel KernelOf(Precision precision, ConvolutionShape shape) =>
        VolumeGradientKernels.Of(precision, shape.Kernel.D);

    Precision PrecisionOf(ConvolutionWay way) =>
        way == ConvolutionWay.Registers ? Precision.Float32
        : gpu.Precision == Precision.BFloat16 ? Precision.BFloat16
        : Precision.TF32;
}
