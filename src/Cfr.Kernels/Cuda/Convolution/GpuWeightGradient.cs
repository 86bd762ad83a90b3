namespace Cfr.Kernels.Cuda;

/// <summary>The ways to a weight gradient, each faster than the one before.</summary>
enum WeightGradientRung
{
    /// <summary>One thread per weight.</summary>
    Naive,
    /// <summary>Sums in registers, float32.</summary>
    Registers,
    /// <summary>Tensor cores, in the device's precision; TF32 where that is float32.</summary>
    TensorCores,
}

/// <summary>
/// Weight gradients of convolutions. Sizes and the device's precision alone choose the way:
/// <list type="bullet">
/// <item>one input channel is bound by memory (<see cref="OneChannelGradient"/>);</item>
/// <item>one tap is a product of matrices, <c>dw = x^T dy</c>;</item>
/// <item>stride 1 and kernels up to 3 walk along H (<see cref="VolumeGradient"/>);</item>
/// <item>for everything else, what the taps read is laid out as a matrix, some outputs at a time, and multiplied (<see
/// cref="PatchCopy"/>);</item>
/// <item>what is too small to matter is summed by a thread a weight.</item>
/// </list>
/// </summary>
sealed class GpuWeightGradient(GpuDevice gpu)
{
    /// <summary>Multiply-adds and voxels below which the first rung will do: some ten microseconds.</summary>
    const long SmallWork = 1 << 21, FewVoxels = 1 << 12;

    /// <summary>Bytes of a matrix of patches, and rows or columns of a product that is bound by memory.</summary>
    const long PatchBytes = 64 << 20;

    const int FewColumns = 8;

    static readonly Kernel<ConvolutionArguments> NaiveKernel =
        new("convolution_weight_gradient_naive", NaiveConvolution.WeightGradient);

    public void Run(ConvolutionShape shape, View x, View dy, View dw)
    {
        bool isSmall = shape.Flop / 2 < SmallWork && shape.Batch * shape.Output.Voxels < FewVoxels;
        Run(
            isSmall ? WeightGradientRung.Naive
                : gpu.Precision == Precision.Float32 ? WeightGradientRung.Registers
                : WeightGradientRung.TensorCores,
            shape, x, dy, dw);
    }

    /// <summary>The same on a chosen rung.</summary>
    public void Run(WeightGradientRung rung, ConvolutionShape shape, View x, View dy, View dw)
    {
        if (dw.Count == 0) return;
        if (rung == WeightGradientRung.Naive || dy.Count == 0)
            Naive(shape, x, dy, dw);
        else if (OneChannelGradient.Launch(gpu, shape, x, dy, dw))
            return;
        else if (IsOneTap(shape))
            Multiply(x, dy, dw, checked((int)(shape.Batch * shape.Output.Voxels)), shape.InChannels, shape.OutChannels);
        else if (VolumeGradientPlan.Takes(shape))
            Walk(shape, x, dy, dw, VolumeGradientKernels.Of(PrecisionOf(rung), shape.Kernel.D));
        else
            Patches(shape, x, dy, dw);
    }

    /// <summary>Walks along H with a given kernel.</summary>
    internal void Walk(ConvolutionShape shape, View x, View dy, View dw, VolumeGradientKernel kernel)
    {
        var plan = new VolumeGradientPlan(shape, kernel, x, dy);
        VolumeGradientArguments arguments = plan.Arguments;
        DeviceBuffer? partials = plan.Pieces == 1 ? null : gpu.Pool.Rent(plan.Pieces * dw.Count * sizeof(float));
        arguments.Partials = partials?.Address ?? dw.Address;
        gpu.Launch(kernel.Kernel, arguments, plan.Pieces, plan.BlocksIn, plan.BlocksOut);
        if (partials is null) return;
        var sums = new View(partials.Address, plan.Pieces * dw.Count, DType.Float32);
        gpu.Reduction.Sum(1, plan.Pieces, dw.Count, sums, dw);
        partials.Release();
    }

    /// <summary>Multiplies patches, as many outputs at a time as scratch memory holds, one after the other.</summary>
    internal void Patches(ConvolutionShape shape, View x, View dy, View dw, long bytes = PatchBytes)
    {
        int columns = checked((int)(shape.Kernel.Voxels * shape.InChannels));
        int outputs = checked((int)(shape.Batch * shape.Output.Voxels));
        bool isHalf = gpu.Precision == Precision.BFloat16 && Math.Min(columns, shape.OutChannels) > FewColumns;
        DType type = isHalf ? DType.BFloat16 : DType.Float32;
        int most = (int)Math.Clamp(bytes / ((long)columns * type.Bytes()), 1, outputs);
        DeviceBuffer buffer = gpu.Pool.Rent((long)most * columns * type.Bytes());
        for (int first = 0; first < outputs; first += most)
        {
            int rows = Math.Min(most, outputs - first);
            var patches = new View(buffer.Address, (long)rows * columns, type);
            PatchCopy.Launch(gpu, shape, x, first, rows, patches);
            Multiply(
                patches, dy.Slice((long)first * shape.OutChannels), dw, rows, columns, shape.OutChannels,
                new Epilogue(Accumulate: first > 0));
        }
        buffer.Release();
    }

    /// <summary>dw = x^T dy</summary>
    void Multiply(View x, View dy, View dw, int rows, int columns, int outChannels, Epilogue epilogue = default) =>
        gpu.Matmul.Multiply(
            Matrix.Dense(x, rows, columns).T, Matrix.Dense(dy, rows, outChannels),
            Matrix.Dense(dw, columns, outChannels), 1, epilogue);

    void Naive(ConvolutionShape shape, View x, View dy, View dw) => gpu.LaunchOver(
        NaiveKernel,
        new ConvolutionArguments
        {
            X = x.Address, W = dw.Address, Y = dy.Address, Items = checked((int)dw.Count), Shape = shape,
        },
        dw.Count);

    Precision PrecisionOf(WeightGradientRung rung) =>
        rung == WeightGradientRung.Registers ? Precision.Float32
        : gpu.Precision == Precision.BFloat16 ? Precision.BFloat16
        : Precision.TF32;

    static bool IsOneTap(ConvolutionShape shape) =>
        shape.Kernel.Voxels == 1 && shape.Stride == new Extent(1, 1, 1) && shape.Padding == default;
}
