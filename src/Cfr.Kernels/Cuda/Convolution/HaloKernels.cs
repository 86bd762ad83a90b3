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

/// <summary>The kernels of a precision, for volumes large and small, and for planes; the widest last.</summary>
sealed record HaloKernelSet(HaloKernel[] Volumes, HaloKernel[] SmallVolumes, HaloKernel[] Planes)
{
    public IEnumerable<HaloKernel> All => Volumes.Concat(SmallVolumes).Concat(Planes).Distinct();

    /// <summary>
    /// Planes for kernels without depth; of the others the larger boxes if there are enough of them. The narrowest that
    /// takes all output channels at once, or else the widest.
    /// </summary>
    public HaloKernel For(UnitStridePass pass, int wantedBlocks)
    {
        HaloKernel large = Wide(Volumes);
        return pass.Kernel.D == 1 ? Wide(Planes)
            : large.Blocks(pass.Batch, pass.Output, pass.OutChannels) >= 2 * wantedBlocks ? large
            : Wide(SmallVolumes);

        HaloKernel Wide(HaloKernel[] kernels) =>
            kernels.FirstOrDefault(kernel => kernel.Columns >= pass.OutChannels) ?? kernels[^1];
    }
}

/// <summary>The boxes that there are.</summary>
static class HaloKernels
{
    public static readonly HaloKernelSet Float32 = Registers("float32");

    public static readonly HaloKernelSet Tf32 = Tensor<Tf32Halo, Tf32Mma>("tf32", PackedWeights.Tf32);

    public static readonly HaloKernelSet BFloat16 =
        Tensor<BFloat16Halo, BFloat16Mma>("bfloat16", PackedWeights.BFloat16);

    /// <summary>On Hopper's warp groups.</summary>
    public static readonly HaloKernel Warpgroups = new(
        new Extent(BoxPlanes.Depth, BoxPlanes.Height, BoxPlanes.Width), HaloConvolution.Taps,
        WarpgroupConvolution.Columns, BoxPlanes.Channels,
        new Kernel<HaloArguments>("convolution_warpgroups_4x8x8x64", WarpgroupConvolution.Run)
        {
            Threads = BoxPlanes.Threads,
            AnyBlock = false,
            BlocksPerMultiprocessor = 2,
            SharedBytes = WarpgroupConvolution.BlockBytes,
            TensorCores = true,
            WarpgroupSums = WarpgroupConvolution.Sums,
        },
        PackedWeights.Warpgroups);

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All =
    [
        .. Float32.All.Concat(Tf32.All).Concat(BFloat16.All).Select(halo => halo.Kernel), Warpgroups.Kernel,
        SharedConvolution.Halo.Kernel,
    ];

    /// <summary>
    /// Whether warp groups take a pass where there are some: 3 x 3 x 3 taps and enough channels. With 32, a box has two
    /// chunks to do, and they were slower on an H200: 0.107 against 0.090 ms.
    /// </summary>
    public static bool IsForWarpgroups(UnitStridePass pass) =>
        pass.Kernel is { D: 3, H: 3, W: 3 } && Math.Min(pass.InChannels, pass.OutChannels) >= WarpgroupConvolution.Columns;

    static HaloKernelSet Registers(string type)
    {
        HaloKernel brick = Registers<Brick>($"convolution_{type}_4x8x8x16");
        return new HaloKernelSet([brick], [brick], [Registers<Sheet>($"convolution_{type}_1x8x32x16")]);
    }

    /// <summary>Of 32 columns bricks alone: cubes, of which half as many blocks are resident, were slower on an H200.</summary>
    static HaloKernelSet Tensor<TElement, TMma>(string type, Kernel<PackWeightsArguments> pack)
        where TElement : struct, IHaloElement where TMma : struct, IMma
    {
        HaloKernel wide = FourLinesOf32<TElement, TMma, Brick>($"convolution_{type}_4x8x8x32", pack, blocks: 4);
        return new HaloKernelSet(
            [EightLinesOf16<TElement, TMma, Cube>($"convolution_{type}_8x8x8x16", pack, blocks: 4), wide],
            [EightLinesOf16<TElement, TMma, Brick>($"convolution_{type}_4x8x8x16", pack, blocks: 8), wide],
            [
                EightLinesOf16<TElement, TMma, Sheet>($"convolution_{type}_1x8x32x16", pack, blocks: 8),
                FourLinesOf32<TElement, TMma, Sheet>($"convolution_{type}_1x8x32x32", pack, blocks: 4),
            ]);
    }

    public static HaloKernel Registers<TShape>(string name) where TShape : struct, IHaloShape =>
        Of<Float32Halo, TShape, Lines8<RegisterLine, Float4, FourByFour>>(
            name, PackedWeights.Float32, blocks: 4, tensorCores: false);

    public static HaloKernel EightLinesOf16<TElement, TMma, TShape>(
        string name, Kernel<PackWeightsArguments> pack, int blocks)
        where TElement : struct, IHaloElement where TMma : struct, IMma where TShape : struct, IHaloShape =>
        Of<TElement, TShape, Lines8<TensorLine16<TMma>, Quad, Quad>>(name, pack, blocks, tensorCores: true);

    public static HaloKernel FourLinesOf32<TElement, TMma, TShape>(
        string name, Kernel<PackWeightsArguments> pack, int blocks)
        where TElement : struct, IHaloElement where TMma : struct, IMma where TShape : struct, IHaloShape =>
        Of<TElement, TShape, Lines4<TensorLine32<TMma>, Quad, TwoQuads>>(name, pack, blocks, tensorCores: true);

    static HaloKernel Of<TElement, TShape, TSums>(
        string name, Kernel<PackWeightsArguments> pack, int blocks, bool tensorCores)
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
                BlocksPerMultiprocessor = blocks,
                SharedBytes = HaloConvolution.BoxBytes<TShape>() + taps * TSums.Columns / 16 * PackedWeights.BlockBytes,
                TensorCores = tensorCores,
            },
            pack);
    }
}
