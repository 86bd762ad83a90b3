using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Convolutions with stride 1 from boxes in shared memory, in the emulator; against double precision, with factors that
/// the precision rounds no more.
/// </summary>
public class HaloConvolutionTests
{
    static readonly Extent Unit = new(1, 1, 1);

    /// <summary>The same code as that of the large boxes, in boxes of one or two warps.</summary>
    static readonly Dictionary<string, HaloKernel> Small = new()
    {
        ["bfloat16, 2x8x8, 16"] = BFloat16.Eight16<Plate>("bfloat16_2x8x8x16"),
        ["bfloat16, 2x8x8, 32"] = BFloat16.Eight32<Plate>("bfloat16_2x8x8x32"),
        ["bfloat16, 2x8x8, 4 lines of 32"] = BFloat16.Four32<Plate>("bfloat16_2x8x8x32_of_4_lines"),
        ["bfloat16, 1x4x16, 32"] = BFloat16.Four32<Strip>("bfloat16_1x4x16x32"),
    };

    public static TheoryData<string> SmallBoxes => [.. Small.Keys];

    static readonly ConvolutionShape[] Shapes =
    [
        new(1, new Extent(3, 5, 8), 16, new Extent(3, 5, 8), 16, new Extent(3, 3, 3), Unit, new Extent(1, 1, 1)),
        new(2, new Extent(1, 9, 7), 3, new Extent(2, 10, 9), 5, new Extent(2, 3, 1), Unit, new Extent(1, 2, 1)),
        new(1, new Extent(1, 4, 17), 20, new Extent(1, 4, 16), 36, new Extent(1, 3, 2), Unit, new Extent(0, 1, 0)),
    ];

    [Theory, MemberData(nameof(SmallBoxes))]
    public void Either_pass_matches_double_precision(string name)
    {
        foreach (ConvolutionShape shape in Shapes)
            if (shape.Kernel.D <= Small[name].MostKernelD)
                Check(Small[name], shape);
    }

    static void Check(HaloKernel halo, ConvolutionShape shape)
    {
        using var device = new EmulatedDevice();
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        float[] x = Rounded(inputs, 1), w = Rounded(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        float[] dy = Rounded(outputs, 3), outBias = Numbers.Draw(shape.OutChannels, 4);
        double[] wantY = new double[outputs], wantDx = new double[inputs];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), outBias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), [], wantDx);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View weights = operands.Of(w), y = operands.Output(outputs), dx = operands.Output(inputs);
        var convolution = new GpuHaloConvolution(device);
        convolution.Run(halo, UnitStridePass.Forward(shape), operands.Of(x), weights, operands.Of(outBias), y);
        convolution.Run(halo, UnitStridePass.InputGradient(shape), operands.Of(dy), weights, default, dx);
        double rounding = 1e-6 * Math.Sqrt(shape.Kernel.Voxels * Math.Max(shape.InChannels, shape.OutChannels));
        Numbers.AssertClose(wantY, operands.Floats(y), 1e-6, 2 * rounding);
        Numbers.AssertClose(wantDx, operands.Floats(dx), 1e-6, 2 * rounding);
    }

    /// <summary>Numbers that are bfloat16's.</summary>
    static float[] Rounded(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

    static class BFloat16
    {
        public static HaloKernel Eight16<TShape>(string name) where TShape : struct, IHaloShape =>
            HaloKernels.Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Eight16<TShape>(name);

        public static HaloKernel Eight32<TShape>(string name) where TShape : struct, IHaloShape =>
            HaloKernels.Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Eight32<TShape>(name);

        public static HaloKernel Four32<TShape>(string name) where TShape : struct, IHaloShape =>
            HaloKernels.Tensor<BFloat16Halo, BFloat16Mma, BFloat16Block>.Four32<TShape>(name);
    }

    readonly struct Plate : IHaloShape
    {
        public static int Depth => 2;

        public static int Height => 8;

        public static int Width => 8;

        public static int HaloDepth => 4;
    }

    readonly struct Strip : IHaloShape
    {
        public static int Depth => 1;

        public static int Height => 4;

        public static int Width => 16;

        public static int HaloDepth => 1;
    }
}
