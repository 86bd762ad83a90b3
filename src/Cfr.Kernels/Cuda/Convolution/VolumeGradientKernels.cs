namespace Cfr.Kernels.Cuda;

/// <summary>A kernel of <see cref="VolumeGradient"/> and how its warps are shared out.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Units">Warps for each plane of the convolution's kernel, a power of two.</param>
/// <param name="EarlierSlices">What its product wants of dy before a stage.</param>
sealed record VolumeGradientKernel(Kernel<VolumeGradientArguments> Kernel, int Units, int EarlierSlices)
{
    /// <summary>Blocks that are wanted: one on each multiprocessor of a large GPU.</summary>
    public int Blocks { get; init; } = 132;
}

/// <summary>The kernels of <see cref="VolumeGradient"/>, by precision.</summary>
static class VolumeGradientKernels
{
    const int DeepUnits = 4, FlatUnits = 8;

    static readonly VolumeGradientKernel[] Float32 = Both<RegisterGradient, NineTaps>("float32", tensorCores: false);
    static readonly VolumeGradientKernel[] Tf32 = Tensor<Tf32Voxels>("tf32");
    static readonly VolumeGradientKernel[] BFloat16 = Tensor<BFloat16Voxels>("bfloat16");

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All = [.. Float32.Concat(Tf32).Concat(BFloat16).Select(one => one.Kernel)];

    /// <summary>The kernel for convolutions whose kernel has this many planes.</summary>
    public static VolumeGradientKernel Of(Precision precision, int planes) => (precision switch
    {
        Precision.Float32 => Float32,
        Precision.TF32 => Tf32,
        _ => BFloat16,
    })[planes == 1 ? 1 : 0];

    /// <summary>On tensor cores.</summary>
    public static VolumeGradientKernel Tensor<TFragment>(string name, int planes, int units)
        where TFragment : unmanaged, IVoxelFragment<TFragment> =>
        Of<TensorGradient<TFragment>, TensorGradientState<TFragment>>(name, planes, units, tensorCores: true);

    /// <summary>In registers.</summary>
    public static VolumeGradientKernel Registers(string name, int planes, int units) =>
        Of<RegisterGradient, NineTaps>(name, planes, units, tensorCores: false);

    static VolumeGradientKernel[] Tensor<TFragment>(string name)
        where TFragment : unmanaged, IVoxelFragment<TFragment> =>
        Both<TensorGradient<TFragment>, TensorGradientState<TFragment>>(name, tensorCores: true);

    static VolumeGradientKernel[] Both<TProduct, TState>(string name, bool tensorCores)
        where TProduct : struct, IGradientProduct<TState> where TState : unmanaged =>
    [
        Of<TProduct, TState>($"convolution_weight_gradient_{name}", VolumeGradient.MostTaps, DeepUnits, tensorCores),
        Of<TProduct, TState>($"convolution_weight_gradient_flat_{name}", 1, FlatUnits, tensorCores),
    ];

    static VolumeGradientKernel Of<TProduct, TState>(string name, int planes, int units, bool tensorCores)
        where TProduct : struct, IGradientProduct<TState> where TState : unmanaged => new(
        new Kernel<VolumeGradientArguments>(name, VolumeGradient.Run<TProduct, TState>)
        {
            Threads = planes * units * BlockReduce.WarpSize,
            AnyBlock = false,
            BlocksPerMultiprocessor = 1,
            SharedBytes = VolumeGradient.SharedBytes,
            TensorCores = tensorCores,
        },
        units, TProduct.EarlierSlices);
}
