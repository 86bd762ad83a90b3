using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Convolutions with stride 1 from boxes in shared memory, in the emulator; against double precision, with factors that
/// the precision rounds no more.
/// </summary>
public class HaloConvolutionTests
{
    static readonly EmulatedDevice Device = new();

    static readonly Extent Unit = new(1, 1, 1);

    /// <summary>The same code as that of the large boxes, in boxes of one warp.</summary>
    static readonly Dictionary<string, HaloKernel> Small = new()
    {
        ["bfloat16, 8 lines of 16"] = HaloKernels.EightLinesOf16<BFloat16Halo, BFloat16Mma, Plate>(
            "bfloat16_2x8x8x16", PackedWeights.BFloat16, blocks: 1),
        ["bfloat16, 4 lines of 32"] = HaloKernels.FourLinesOf32<BFloat16Halo, BFloat16Mma, Strip>(
            "bfloat16_1x4x16x32", PackedWeights.BFloat16, blocks: 1),
        ["tf32, 8 lines of 16"] = HaloKernels.EightLinesOf16<Tf32Halo, Tf32Mma, Plate>(
            "tf32_2x8x8x16", PackedWeights.Tf32, blocks: 1),
        ["tf32, 4 lines of 32"] = HaloKernels.FourLinesOf32<Tf32Halo, Tf32Mma, Strip>(
            "tf32_1x4x16x32", PackedWeights.Tf32, blocks: 1),
        ["float32"] = HaloKernels.Registers<Plate>("float32_2x8x8x16"),
        ["one thread per output"] = SharedConvolution.Halo,
    };

    static readonly Dictionary<string, HaloKernel> Large = HaloKernels.Float32.All.Concat(HaloKernels.Tf32.All)
        .Concat(HaloKernels.BFloat16.All).ToDictionary(halo => halo.Kernel.Name);

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["3x3x3, as wide as a box"] = new(
            1, new Extent(2, 5, 7), 16, new Extent(2, 5, 7), 16, new Extent(3, 3, 3), Unit, new Extent(1, 1, 1)),
        ["odd channels, wide padding"] = new(
            2, new Extent(1, 5, 4), 3, new Extent(2, 6, 6), 5, new Extent(2, 3, 1), Unit, new Extent(1, 2, 1)),
        ["more channels than a box"] = new(
            1, new Extent(1, 4, 9), 20, new Extent(1, 4, 8), 36, new Extent(1, 3, 2), Unit, new Extent(0, 1, 0)),
    };

    /// <summary>Lines of four are checked without the largest kernel: there the emulator takes long.</summary>
    public static TheoryData<string, string> SmallBoxes =>
    [
        .. from one in Small
           from shape in Shapes
           where one.Value.Columns == 16 || shape.Value.Kernel.D < 3
           select new TheoryDataRow<string, string>(one.Key, shape.Key),
    ];

    public static TheoryData<string> LargeBoxes => [.. Large.Keys];

    [Theory, MemberData(nameof(SmallBoxes))]
    public void Either_pass_matches_double_precision_at_any_size(string box, string shape) =>
        Check(Small[box], Shapes[shape]);

    /// <summary>Without padding, so that no voxel of a box in shared memory may be left as it was before.</summary>
    [Theory, MemberData(nameof(LargeBoxes))]
    public void Each_box_matches_double_precision(string name)
    {
        HaloKernel halo = Large[name];
        var output = new Extent(halo.Box.D, halo.Box.H, halo.Box.W);
        var input = new Extent(output.D, output.H + 2, output.W + 2);
        Check(
            halo, new ConvolutionShape(1, input, 4, output, 8, new Extent(1, 3, 3), Unit, default),
            withGradient: false);
    }

    [Fact]
    public void Boxes_and_weights_fit_into_the_shared_memory_of_a_small_gpu() =>
        Assert.All(Large.Values, halo => Assert.InRange(halo.Kernel.SharedBytes, 1, 99 << 10));

    static void Check(HaloKernel halo, ConvolutionShape shape, bool withGradient = true)
    {
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        float[] x = Rounded(inputs, 1), w = Rounded(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        float[] dy = Rounded(outputs, 3), outBias = Numbers.Draw(shape.OutChannels, 4);
        double[] wantY = new double[outputs], wantDx = new double[inputs];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), outBias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), [], wantDx);

        using var operands = new Operands(Device);
        Device.Pool.Lending = (address, bytes) => Device.FillBytes(address, bytes, 0xff);
        View weights = operands.Of(w), y = operands.Output(outputs), dx = operands.Output(inputs);
        var convolution = new GpuHaloConvolution(Device);
        convolution.Run(halo, UnitStridePass.Forward(shape), operands.Of(x), weights, operands.Of(outBias), y);
        double rounding = 2e-6 * Math.Sqrt(shape.Kernel.Voxels * Math.Max(shape.InChannels, shape.OutChannels));
        Numbers.AssertClose(wantY, operands.Floats(y), 1e-6, rounding);
        if (!withGradient) return;
        convolution.Run(halo, UnitStridePass.InputGradient(shape), operands.Of(dy), weights, default, dx);
        Numbers.AssertClose(wantDx, operands.Floats(dx), 1e-6, rounding);
    }

    /// <summary>Numbers that are bfloat16's.</summary>
    static float[] Rounded(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

    /// <summary>One warp of eight lines.</summary>
    readonly struct Plate : IHaloShape
    {
        public static int Depth => 2;

        public static int Height => 8;

        public static int Width => 8;

        public static int HaloDepth => 4;
    }

    /// <summary>One warp of four lines.</summary>
    readonly struct Strip : IHaloShape
    {
        public static int Depth => 1;

        public static int Height => 4;

        public static int Width => 16;

        public static int HaloDepth => 3;
    }
}
