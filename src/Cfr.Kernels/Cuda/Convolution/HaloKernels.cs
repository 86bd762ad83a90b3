namespace Cfr.Kernels.Cuda;

/// <summary>A kernel of <see cref="HaloConvolution"/>, its box, and the weights that it wants.</summary>
sealed record HaloKernel(
    Extent Box, int MostKernelD, int Columns, int ChunkChannels, Kernel<HaloArguments> Kernel,
    Kernel<PackWeightsArguments> Pack)
{
    /// <summary>Boxes of a batch of outputs, times groups of channels.</summary>
    public long Blocks(int batch, Extent output, int channels) =>
        batch * Boxes(output).Voxels * Parts(channels, Columns);

    /// <summary>Boxes along the axes.</summary>
    public Extent Boxes(Extent output) =>
        new(Parts(output.D, Box.D), Parts(output.H, Box.H), Parts(output.W, Box.W));

    public static int Parts(int whole, int part) => (whole + part - 1) / part;
}

/// <summary>The boxes that there are.</summary>
static class HaloKernels
{
    /// <summary>By precision; 16 output channels, then 32.</summary>
    public static readonly HaloKernel[] BFloat16 =
    [
        Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Eight16<Cube>("convolution_bfloat16_8x8x8x16"),
        Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Eight32<Cube>("convolution_bfloat16_8x8x8x32"),
        Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Four32<Brick>("convolution_bfloat16_4x8x8x32"),
        Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Four32<Sheet>("convolution_bfloat16_1x8x32x32"),
    ];

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All = [.. BFloat16.Select(kernel => kernel.Kernel)];

    public static class Tensor<TElement, TMma, TBlock>
        where TElement : struct, IHaloElement where TMma : struct, IMma where TBlock : struct, IWeightBlock
    {
        public static HaloKernel Four16<TShape>(string name) where TShape : struct, IHaloShape =>
            Of<TShape, FourLines<TMma, RunSums16, Quad>>(name);

        public static HaloKernel Four32<TShape>(string name) where TShape : struct, IHaloShape =>
            Of<TShape, FourLines<TMma, RunSums32, TwoQuads>>(name);

        public static HaloKernel Eight16<TShape>(string name) where TShape : struct, IHaloShape =>
            Of<TShape, TwiceFourLines<TMma, RunSums16, Quad>>(name);

        public static HaloKernel Eight32<TShape>(string name) where TShape : struct, IHaloShape =>
            Of<TShape, TwiceFourLines<TMma, RunSums32, TwoQuads>>(name);

        static HaloKernel Of<TShape, TSums>(string name)
            where TShape : struct, IHaloShape where TSums : unmanaged, IHaloSums<TSums> =>
            Kernel<TElement, TShape, TSums>(
                name, PackedWeights.For<TBlock>(), tensorCores: true);
    }

    static HaloKernel Kernel<TElement, TShape, TSums>(
        string name, Kernel<PackWeightsArguments> pack, bool tensorCores)
        where TElement : struct, IHaloElement where TShape : struct, IHaloShape
        where TSums : unmanaged, IHaloSums<TSums>
    {
        int mostKernelD = TShape.HaloDepth - TShape.Depth + 1;
        int taps = mostKernelD * HaloConvolution.Taps * HaloConvolution.Taps;
        return new HaloKernel(
            new Extent(TShape.Depth, TShape.Height, TShape.Width), mostKernelD, TSums.Columns,
            HaloLoad.Channels(TElement.Bytes),
            new Kernel<HaloArguments>(name, HaloConvolution.Run<TElement, TShape, TSums>)
            {
                Threads = TSums.Threads(TShape.Depth * TShape.Width / 8, TShape.Height),
                AnyBlock = false,
                BlocksPerMultiprocessor = 1,
                SharedBytes = HaloConvolution.BoxBytes<TShape>() + taps * TSums.Columns / 16 * PackedWeights.BlockBytes,
                TensorCores = tensorCores,
            },
            pack);
    }
}
