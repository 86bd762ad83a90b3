namespace Cfr.Kernels.Cuda;

/// <summary>The ways to a convolution; the first four are the rungs of a ladder.</summary>
enum ConvolutionWay
{
    /// <summary>One thread per output.</summary>
    Naive,
    /// <summary>Boxes in shared memory, one thread per output, float32.</summary>
    Shared,
    /// <summary>Boxes in shared memory, sums in registers, float32.</summary>
    Registers,
    /// <summary>Boxes in shared memory, tensor cores in the device's precision; TF32 where that is float32.</summary>
    TensorCores,
    /// <summary>Beside the ladder: a matrix product, of patches where a kernel is larger than a voxel.</summary>
    Product,
}

/// <summary>
/// Convolution and its gradients. Sizes, the device's precision and whether it has warp groups choose the way:
/// <list type="bullet">
/// <item>what is too small to matter takes the naive form;</item>
/// <item>stride 1 and a kernel of at most 3 voxels along each axis, exactly 3 along h, is computed from boxes in shared
/// memory (<see cref="HaloConvolution"/>, on Hopper <see cref="WarpgroupConvolution"/>), forward and backward; an
/// activation is then a pass of its own;</item>
/// <item>one input channel with stride 1 has a kernel of its own (<see cref="OneChannelForward"/>);</item>
/// <item>a head of few outputs, of what a norm has put off, has one, too (<see cref="PointwiseHead"/>);</item>
/// <item>a kernel as large as its stride, without padding, is a product with the volume as it lies
/// (<see cref="DisjointProduct"/>), where a patch's runs (kernel W x input channels), the input's lines (W x input
/// channels) and the output channels, at most 512, are multiples of 4;</item>
/// <item>everything else is a matrix product (<see cref="PatchProduct"/>): kernels of one voxel directly, others, and
/// deep layers of few voxels, by way of patches.</item>
/// </list>
/// </summary>
sealed class GpuConvolution(GpuDevice gpu) : IConvolution
{
    /// <summary>Blocks that are wanted at once; about the multiprocessors of a large GPU.</summary>
    const int WantedBlocks = 128;

    readonly PatchProduct _product = new(gpu);

    readonly GpuHaloConvolution _halo = new(gpu);

    readonly GpuDisjointConvolution _disjoint = new(gpu);

    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    static readonly Kernel<ConvolutionArguments>[] ForwardKernels =
    [
        new("convolution_naive", NaiveConvolution.Forward<NoActivation>),
        new("convolution_naive_relu", NaiveConvolution.Forward<Relu>),
        new("convolution_naive_gelu", NaiveConvolution.Forward<Gelu>),
    ];

    static readonly Kernel<ConvolutionArguments>[] InputGradientKernels =
    [
        InputGradientKernel<NoActivation>("convolution_input_gradient_naive"),
        InputGradientKernel<Relu>("convolution_input_gradient_naive_relu"),
        InputGradientKernel<Gelu>("convolution_input_gradient_naive_gelu"),
    ];

    readonly GpuWeightGradient _weightGradient = new(gpu);

    /// <summary>Left alone, ptxas holds these at 32 registers, and spills.</summary>
    static Kernel<ConvolutionArguments> InputGradientKernel<TActivation>(string name)
        where TActivation : struct, IActivation =>
        new(name, NaiveConvolution.InputGradient<TActivation>) { BlocksPerMultiprocessor = 4 };

    public void Forward(
        ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None)
    {
        if (y.Count == 0) return;
        ConvolutionWay way = Way(shape, UnitStridePass.Forward(shape));
        if (way != ConvolutionWay.Naive && OneChannelForward.Launch(gpu, shape, x, w, bias, y, activation)) return;
        if (way == ConvolutionWay.Product && _disjoint.Forward(shape, x, w, bias, y, activation)) return;
        Forward(way, shape, x, w, bias, y, activation);
    }

    /// <summary>The same on a chosen way.</summary>
    public void Forward(
        ConvolutionWay way, ConvolutionShape shape, View x, View w, View bias, View y,
        Activation activation = Activation.None)
    {
        if (way == ConvolutionWay.Naive)
        {
            var grid = new VoxelGrid(shape.Output, shape.OutChannels);
            Launch(ForwardKernels[(int)activation], shape, x, w, bias, y, y.Count, grid);
        }
        else if (way == ConvolutionWay.Product)
        {
            _product.Forward(shape, x, w, bias, y, activation);
        }
        else
        {
            Halo(way, UnitStridePass.Forward(shape), x, w, bias, y, activation);
        }
    }

    public void InputGradient(
        ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None,
        bool accumulate = false)
    {
        if (dx.Count == 0) return;
        ConvolutionWay way = Way(shape, UnitStridePass.InputGradient(shape));
        bool isProduct = way == ConvolutionWay.Product;
        if (isProduct && _disjoint.InputGradient(shape, dy, w, bias, dx, activation, accumulate)) return;
        DeviceBuffer? added = accumulate ? gpu.Pool.Rent(dx.Count * sizeof(float)) : null;
        View target = added is null ? dx : new View(added.Address, dx.Count, DType.Float32);
        InputGradient(way, shape, dy, w, bias, target, activation);
        if (added is null) return;
        gpu.ElementWise.AddScaled(target, 1, dx);
        added.Release();
    }

    /// <summary>The same on a chosen way.</summary>
    public void InputGradient(
        ConvolutionWay way, ConvolutionShape shape, View dy, View w, View bias, View dx,
        Activation activation = Activation.None)
    {
        if (way == ConvolutionWay.Naive)
        {
            var grid = new VoxelGrid(shape.Input, shape.InChannels);
            Launch(InputGradientKernels[(int)activation], shape, dx, w, bias, dy, dx.Count, grid);
        }
        else if (way == ConvolutionWay.Product)
        {
            _product.InputGradient(shape, dy, w, bias, dx, activation);
        }
        else
        {
            Halo(way, UnitStridePass.InputGradient(shape), dy, w, bias, dx, activation);
        }
    }

    public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw) =>
        _weightGradient.Run(shape, x, dy, dw);

    /// <summary>
    /// Whether the forward pass goes box by box, and so can normalise what it loads and measure what it stores.
    /// </summary>
    bool GoesBoxByBox(ConvolutionShape shape) => shape.InChannels > 1
        && Way(shape, UnitStridePass.Forward(shape)) is ConvolutionWay.Registers or ConvolutionWay.TensorCores;

    /// <summary>Whether the forward pass is a product with the volume as it lies, which can do so as well.</summary>
    bool IsDisjoint(ConvolutionShape shape) =>
        Way(shape, UnitStridePass.Forward(shape)) == ConvolutionWay.Product && _disjoint.TakesNorms(shape);

    /// <summary>Whether the input gradient is.</summary>
    bool IsDisjointBackwards(ConvolutionShape shape) =>
        Way(shape, UnitStridePass.InputGradient(shape)) == ConvolutionWay.Product && _disjoint.TakesNorms(shape);

    /// <summary>Blocks of <see cref="OneChannelForward"/> that measure; 0 for what goes another way.</summary>
    int MeasuringBlocks(ConvolutionShape shape) =>
        Way(shape, UnitStridePass.Forward(shape)) == ConvolutionWay.Naive
            ? 0
            : OneChannelForward.MeasuringBlocks(gpu, shape);

    /// <summary>See <see cref="IFusedNormalization.MeasuredBoxes"/>.</summary>
    public int MeasuredBoxes(ConvolutionShape shape, bool acrossBatch)
    {
        if (MeasuringBlocks(shape) is > 0 and int blocks) return blocks;
        if (!GoesBoxByBox(shape)) return IsDisjoint(shape) ? _disjoint.MeasuredBoxes(shape, acrossBatch) : 0;
        UnitStridePass pass = UnitStridePass.Forward(shape);
        return GpuHaloConvolution.AllBoxes(BoxKernel(Way(shape, pass), pass), pass);
    }

    /// <summary>See <see cref="IFusedNormalization.MeasuredBoxesTransposed"/>.</summary>
    public int MeasuredBoxesTransposed(ConvolutionShape shape, bool acrossBatch) =>
        IsDisjointBackwards(shape) ? _disjoint.MeasuredBoxesOfInputs(shape, acrossBatch) : 0;

    /// <summary>See <see cref="IFusedNormalization.CanRead"/>.</summary>
    public bool CanRead(ConvolutionShape shape, NormalizedView x) => HasPackets(x)
        && (PointwiseHead.Takes(shape) || GoesBoxByBox(shape) || SharesConstants(x) && IsDisjoint(shape));

    /// <summary>See <see cref="IFusedNormalization.CanReadTransposed"/>.</summary>
    public bool CanReadTransposed(ConvolutionShape shape, NormalizedView dy) =>
        HasPackets(dy) && SharesConstants(dy) && IsDisjointBackwards(shape);

    /// <summary>y = relu(norm x) * w + bias, or x as it stands where it has no constants; and moments of y.</summary>
    public void Forward(ConvolutionShape shape, NormalizedView x, View w, View bias, View y, View moments)
    {
        if (PointwiseHead.Takes(shape))
        {
            PointwiseHead.Forward(gpu, shape, x, w, bias, y);
            return;
        }
        if (MeasuringBlocks(shape) > 0)
        {
            OneChannelForward.Measure(gpu, shape, x.X, w, bias, y, moments);
            return;
        }
        UnitStridePass pass = UnitStridePass.Forward(shape);
        ConvolutionWay way = Way(shape, pass);
        if (way == ConvolutionWay.Product)
        {
            _disjoint.Forward(shape, x, w, bias, y, moments);
            return;
        }
        _halo.Run(BoxKernel(way, pass), pass, x.X, w, bias, y, ChannelTable.Of(x), moments);
    }

    /// <summary>dx = relu(norm dy) * w^T + bias, or dy as it stands; and moments of dx.</summary>
    public void InputGradient(
        ConvolutionShape shape, NormalizedView dy, View w, View bias, View dx, View moments) =>
        _disjoint.InputGradient(shape, dy, w, bias, dx, moments);

    /// <summary>See <see cref="IFusedNormalization.CanReadForWeights"/>.</summary>
    public bool CanReadForWeights(ConvolutionShape shape, NormalizedView x) => HasPackets(x)
        && (PointwiseHead.Takes(shape) || _weightGradient.Walks(shape)
            || SharesConstants(x) && _weightGradient.IsDisjoint(shape));

    /// <summary>See <see cref="IFusedNormalization.CanReadTransposedForWeights"/>.</summary>
    public bool CanReadTransposedForWeights(ConvolutionShape shape, NormalizedView dy) =>
        HasPackets(dy) && SharesConstants(dy) && _weightGradient.IsDisjoint(shape);

    /// <summary>dw of relu(norm x)</summary>
    public void WeightGradient(ConvolutionShape shape, NormalizedView x, View dy, View dw)
    {
        if (PointwiseHead.Takes(shape))
            PointwiseHead.WeightGradient(gpu, shape, x, dy, dw);
        else if (_weightGradient.Walks(shape))
            _weightGradient.Walk(shape, x.X, dy, dw, ChannelTable.Of(x));
        else
            _disjoint.WeightGradient(shape, x, dy, dw);
    }

    /// <summary>dw of relu(norm dy)</summary>
    public void WeightGradient(ConvolutionShape shape, View x, NormalizedView dy, View dw) =>
        _disjoint.WeightGradient(shape, x, dy, dw);

    static bool HasPackets(NormalizedView x) =>
        x.Shape.Channels % FourLanes.Width == 0 && (x.X.Address | x.Constants.Address) % 16 == 0;

    static bool SharesConstants(NormalizedView x) => x.Shape.AcrossBatch || x.Shape.Batch == 1;

    /// <summary>The same on a chosen way.</summary>
    public void WeightGradient(ConvolutionWay way, ConvolutionShape shape, View x, View dy, View dw) =>
        _weightGradient.Run(way, shape, x, dy, dw);

    ConvolutionWay Way(ConvolutionShape shape, UnitStridePass pass)
    {
        if (shape.Flop / 2 <= gpu.SmallWork) return ConvolutionWay.Naive;
        bool fits = shape.Stride.Voxels == 1 && shape.Kernel.H == HaloConvolution.Taps
            && Math.Max(shape.Kernel.D, shape.Kernel.W) <= HaloConvolution.Taps;
        if (!fits || IsDeep(pass)) return ConvolutionWay.Product;
        return gpu.Precision == Precision.Float32 ? ConvolutionWay.Registers : ConvolutionWay.TensorCores;
    }

    /// <summary>
    /// Few voxels and many channels: there are not enough boxes to fill the device, and much of them hangs over the
    /// edge.
    /// </summary>
    static bool IsDeep(UnitStridePass pass)
    {
        HaloKernel smallest = HaloKernels.BFloat16.For(pass, WantedBlocks);
        return smallest.Blocks(pass.Batch, pass.Output, pass.OutChannels) < WantedBlocks
            && pass.InChannels > 4 * HaloLoad.Channels(sizeof(ushort));
    }

    void Halo(
        ConvolutionWay way, UnitStridePass pass, View x, View w, View bias, View y, Activation activation)
    {
        HaloKernel kernel = way == ConvolutionWay.Shared ? SharedConvolution.Halo : BoxKernel(way, pass);
        _halo.Run(kernel, pass, x, w, bias, y);
        if (activation != Activation.None)
            gpu.ElementWise.Unary(activation == Activation.Relu ? UnaryOp.Relu : UnaryOp.Gelu, y, y);
    }

    /// <summary>The kernel of a way from boxes in shared memory, on warp groups where there are some.</summary>
    HaloKernel BoxKernel(ConvolutionWay way, UnitStridePass pass)
    {
        bool byWarpgroups = gpu.Precision == Precision.BFloat16 && gpu.HasWarpgroups
            && way == ConvolutionWay.TensorCores && HaloKernels.IsForWarpgroups(pass);
        return byWarpgroups ? HaloKernels.Warpgroups : Kernels(way).For(pass, WantedBlocks);
    }

    HaloKernelSet Kernels(ConvolutionWay way) => way == ConvolutionWay.Registers ? HaloKernels.Float32
        : gpu.Precision == Precision.BFloat16 ? HaloKernels.BFloat16
        : HaloKernels.Tf32;

    void Launch(
        Kernel<ConvolutionArguments> kernel, ConvolutionShape shape, View x, View w, View bias, View y, long items,
        VoxelGrid grid) => gpu.LaunchOver(
        kernel,
        new ConvolutionArguments
        {
            X = x.Address,
            W = w.Address,
            Bias = bias.Address,
            Y = y.Address,
            Items = checked((int)items),
            Grid = grid,
            Shape = shape,
        },
        items);
}
