using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Weight gradients against double precision, in the emulator, with factors that the precision rounds no more.
/// </summary>
public class WeightGradientTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Emulated.OfEachPrecision();

    static readonly Extent One = new(1, 1, 1);

    /// <summary>The same code as that of the large kernels, with fewer warps, which the emulator runs faster.</summary>
    static readonly Dictionary<string, (Func<int, int, VolumeGradientKernel> Kernel, int DroppedBits)> Products = new()
    {
        ["float32"] = ((planes, units) => VolumeGradientKernels.Registers("float32_small", planes, units), 0),
        ["tf32"] = ((planes, units) => VolumeGradientKernels.Tensor<Tf32Voxels>("tf32_small", planes, units), 13),
        ["bfloat16"] =
            ((planes, units) => VolumeGradientKernels.Tensor<BFloat16Voxels>("bfloat16_small", planes, units), 16),
    };

    public static TheoryData<string> Names => [.. Products.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_kernel_without_depth_walks_over_images(string name)
    {
        Check(name, planes: 1, units: 1, Shape(2, new(1, 5, 6), 3, 5, new(1, 3, 3), new(0, 1, 1)));
        Check(name, planes: 1, units: 2, Shape(1, new(1, 3, 18), 16, 16, new(1, 3, 3), new(0, 1, 1)));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_kernel_walks_over_volumes(string name)
    {
        Check(name, planes: 3, units: 1, Shape(2, new(3, 4, 5), 5, 17, new(3, 3, 3), One));
        Check(name, planes: 3, units: 2, Shape(1, new(6, 1, 4), 4, 1, new(2, 1, 2), default));
    }

    /// <summary>The deepest layer of a small network.</summary>
    [Theory, MemberData(nameof(Names))]
    public void A_volume_may_have_two_voxels(string name)
    {
        Check(name, planes: 3, units: 2, Shape(2, new(1, 1, 2), 32, 32, new(3, 3, 3), One));
        Check(name, planes: 3, units: 2, Shape(2, new(1, 2, 1), 32, 16, new(3, 3, 3), One));
    }

    /// <summary>More outputs along D than the volume is deep.</summary>
    [Theory, MemberData(nameof(Names))]
    public void A_flat_kernel_may_have_padding_along_depth(string name)
    {
        Check(name, planes: 1, units: 4, Shape(2, new(1, 3, 4), 16, 16, new(1, 3, 3), One));
        Check(name, planes: 1, units: 4, Shape(2, new(1, 2, 3), 5, 4, One, One));
    }

    [Theory, MemberData(nameof(Names))]
    public void Warps_share_channels_out(string name) =>
        Check(name, planes: 1, units: 4, Shape(1, new(1, 3, 4), 33, 40, new(1, 2, 3), new(0, 1, 0)));

    [Theory, MemberData(nameof(Names))]
    public void A_block_walks_over_many_runs(string name) =>
        Check(name, planes: 1, units: 1, Shape(3, new(1, 10, 20), 4, 3, new(1, 3, 3), new(0, 1, 1)), blocks: 1);

    [Theory, InlineData(Precision.Float32), InlineData(Precision.TF32), InlineData(Precision.BFloat16)]
    public void The_kernels_of_a_precision_match_double_precision(Precision precision) => Check(
        VolumeGradientKernels.Of(precision, planes: 1), precision == Precision.Float32 ? 0 : 16,
        Shape(1, new(1, 2, 6), 16, 18, new(1, 3, 3), new(0, 1, 1)));

    /// <summary>A tile of all eight units would be too large for a stage.</summary>
    [Fact]
    public void Few_channels_of_a_flat_kernel_find_room_in_float32() => Check(
        VolumeGradientKernels.Of(Precision.Float32, planes: 1), 0, Shape(2, new(1, 5, 7), 3, 8, new(1, 3, 3), new(0, 1, 1)));

    /// <summary>Input, channels, kernel, stride, padding.</summary>
    public static TheoryData<Extent, int, int, Extent, Extent, Extent> OtherShapes => new()
    {
        { new(4, 5, 6), 16, 12, new(2, 2, 2), new(2, 2, 2), default },
        { new(1, 9, 8), 3, 10, new(1, 4, 4), new(1, 4, 4), default },
        { new(3, 5, 6), 5, 3, new(3, 3, 2), new(1, 2, 3), new(1, 0, 1) },
        { new(1, 6, 5), 4, 33, new(1, 5, 5), One, new(0, 2, 2) },
        { new(2, 3, 4), 17, 16, One, One, default },
    };

    [Theory, MemberData(nameof(OtherShapes))]
    public void Other_convolutions_are_products_of_matrices(
        Extent input, int channels, int outputs, Extent kernel, Extent stride, Extent padding)
    {
        ConvolutionShape shape = Shape(2, input, channels, outputs, kernel, padding, stride);
        foreach (Precision precision in new[] { Precision.Float32, Precision.BFloat16 })
        {
            EmulatedDevice device = Devices[precision];
            var gradient = new GpuWeightGradient(device);
            Check(device, shape, 16, (s, x, dy, dw) => gradient.Run(ConvolutionWay.Product, s, x, dy, dw));
        }
    }

    [Fact]
    public void Patches_are_multiplied_piece_by_piece()
    {
        ConvolutionShape shape = Shape(2, new(3, 4, 5), 4, 9, new(2, 2, 2), default, new(2, 1, 1));
        Check(
            Emulated.Device, shape, 0,
            (s, x, dy, dw) => new PatchProduct(Emulated.Device).WeightGradient(s, x, dy, dw, bytes: 7 * 32 * 4));
    }

    static void Check(string name, int planes, int units, ConvolutionShape shape, int blocks = 132) =>
        Check(Products[name].Kernel(planes, units) with { Blocks = blocks }, Products[name].DroppedBits, shape);

    static void Check(VolumeGradientKernel kernel, int droppedBits, ConvolutionShape shape)
    {
        EmulatedDevice device = Devices[Precision.Float32];
        Check(
            device, shape, droppedBits,
            (s, x, dy, dw) => new GpuWeightGradient(device).Walk(s, x, dy, dw, kernel));
    }

    static void Check(
        EmulatedDevice device, ConvolutionShape shape, int droppedBits, Action<ConvolutionShape, View, View, View> run)
    {
        float[] x = Rounded(shape.Batch * shape.Input.Voxels * shape.InChannels, 1, droppedBits);
        float[] dy = Rounded(shape.Batch * shape.Output.Voxels * shape.OutChannels, 2, droppedBits);
        double[] want = new double[shape.Kernel.Voxels * shape.InChannels * shape.OutChannels];
        ConvolutionNaive.WeightGradient<double>(shape, x.Doubles(), dy.Doubles(), want);
        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View dw = operands.Output(want.Length);
        run(shape, operands.Of(x), operands.Of(dy), dw);
        Numbers.AssertClose(
            want, operands.Floats(dw), 1e-6, 1e-6 * Math.Sqrt(shape.Batch * shape.Output.Voxels));
    }

    static float[] Rounded(long count, int seed, int droppedBits) => Array.ConvertAll(
        Numbers.Draw(count, seed),
        v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> droppedBits << droppedBits));

    static ConvolutionShape Shape(
        int batch, Extent input, int channels, int outputs, Extent kernel, Extent padding, Extent? stride = null)
    {
        Extent s = stride ?? One;
        return new(
            batch, input, channels,
            new Extent(
                (input.D + 2 * padding.D - kernel.D) / s.D + 1, (input.H + 2 * padding.H - kernel.H) / s.H + 1,
                (input.W + 2 * padding.W - kernel.W) / s.W + 1),
            outputs, kernel, s, padding);
    }
}
