using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Weight gradients on warp groups, as the interpreter of the PTX runs them and, row by row of the taps, the emulator;
/// against double precision, with factors that bfloat16 rounds no more.
/// </summary>
public class WarpgroupGradientTests
{
    static readonly Extent Taps = new(3, 3, 3), Unit = new(1, 1, 1);

    /// <summary>The same code with a warp group for a row of taps, which the emulator has threads for.</summary>
    static readonly Kernel<WarpgroupGradientArguments> RowByRow =
        WarpgroupGradient.Of<OneRow>("convolution_weight_gradient_warpgroups_row");

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["a block"] = Shape(1, new(2, 3, 4), 64, 64, Unit),
        ["pieces that begin within a plane"] = Shape(3, new(3, 6, 7), 64, 64, Unit),
        ["odd channels"] = Shape(1, new(3, 4, 5), 80, 72, Unit),
        ["channels of no packets"] = Shape(2, new(1, 2, 3), 65, 97, Unit),
        ["planes without padding"] = Shape(1, new(3, 9, 10), 64, 64, default),
        ["padding of its own along each axis"] = Shape(1, new(2, 4, 3), 64, 64, new(2, 0, 1)),
        ["planes of several stages"] = Shape(1, new(1, 7, 62), 64, 64, Unit),
    };

    public static TheoryData<string, string> Ways => [.. Shapes.Keys.Select(s => ("ptx", s)), ("emulated", "a block")];

    [Theory, MemberData(nameof(Ways))]
    public void It_matches_double_precision(string deviceName, string shapeName)
    {
        using GpuDevice device = Emulated.Hopper(deviceName);
        ConvolutionShape shape = Shapes[shapeName];
        float[] x = Rounded(shape.Batch * shape.Input.Voxels * shape.InChannels, 1);
        float[] dy = Rounded(shape.Batch * shape.Output.Voxels * shape.OutChannels, 2);
        double[] want = new double[shape.Kernel.Voxels * shape.InChannels * shape.OutChannels];
        ConvolutionNaive.WeightGradient<double>(shape, x.Doubles(), dy.Doubles(), want);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View dw = operands.Output(want.Length);
        new GpuWeightGradient(device).OfItems(
            shape, operands.Of(x), operands.Of(dy), dw, deviceName == "ptx" ? WarpgroupGradient.Kernel : RowByRow);
        Numbers.AssertClose(want, operands.Floats(dw), 1e-6, 1e-6 * Math.Sqrt(shape.Batch * shape.Output.Voxels));
    }

    /// <summary>However few voxels there are: without warp groups, patches would be multiplied.</summary>
    [Fact]
    public void Devices_with_warp_groups_go_this_way()
    {
        using GpuDevice device = Emulated.Hopper("ptx");
        ConvolutionShape shape = Shape(1, new(1, 1, 2), 64, 64, Unit);
        var profiler = new Profiler();
        using var operands = new Operands(device);
        float[] x = Rounded(2 * shape.InChannels, 1), dy = Rounded(2 * shape.OutChannels, 2);
        View ofX = operands.Of(x), ofDy = operands.Of(dy);
        View dw = operands.Output(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels);
        new ProfiledDevice(device, profiler).Convolution.WeightGradient(shape, ofX, ofDy, dw);
        device.Observer = null;
        Assert.Equal(
            [PlaneItems.Kernel.Name, WarpgroupGradient.Kernel.Name],
            profiler.Rows(bySizes: false).SelectMany(row => row.Kernels).Select(kernel => kernel.Name).Order());
    }

    /// <summary>What it normalises are whole numbers, and so is what comes of them.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void Its_input_is_normalised(bool acrossBatch)
    {
        using GpuDevice device = Emulated.Hopper("ptx");
        ConvolutionShape shape = Shape(2, new(2, 3, 4), 72, 64, Unit);
        int voxels = (int)shape.Input.Voxels, channels = shape.InChannels;
        int tables = acrossBatch ? 1 : shape.Batch;
        float[] x = Whole(shape.Batch * voxels * channels, 1, 4), read = new float[x.Length];
        float[] constants = Whole(tables * ChannelConstants.Rows * channels, 2, 2);
        for (int i = 0; i < x.Length; i++)
        {
            int channel = i % channels, sample = acrossBatch ? 0 : i / channels / voxels;
            int at = sample * ChannelConstants.Rows * channels + channel;
            read[i] = Math.Max(0, (x[i] - constants[at]) * constants[at + channels] + constants[at + 2 * channels]);
        }
        float[] dy = Rounded(shape.Batch * shape.Output.Voxels * shape.OutChannels, 3);
        double[] want = new double[shape.Kernel.Voxels * channels * shape.OutChannels];
        ConvolutionNaive.WeightGradient<double>(shape, read.Doubles(), dy.Doubles(), want);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View dw = operands.Output(want.Length);
        var norm = new NormalizedView(
            new NormShape(shape.Batch, voxels, channels, channels, acrossBatch), operands.Of(x),
            operands.Of(constants));
        var convolution = (GpuConvolution)device.Convolution;
        Assert.True(convolution.CanReadForWeights(shape, norm));
        convolution.WeightGradient(shape, norm, operands.Of(dy), dw);
        Numbers.AssertClose(want, operands.Floats(dw), 1e-6, 1e-5);
    }

    /// <summary>Items of x between zeros, and of dy before them.</summary>
    [Fact]
    public void Items_are_eight_channels_of_a_voxel()
    {
        using GpuDevice device = Emulated.Hopper("emulated");
        ConvolutionShape shape = Shape(2, new(2, 3, 4), 70, 64, new(1, 1, 2));
        float[] x = Rounded(shape.Batch * shape.Input.Voxels * shape.InChannels, 1);
        float[] dy = Rounded(shape.Batch * shape.Output.Voxels * shape.OutChannels, 2);
        var plan = new WarpgroupGradientPlan(shape);
        using var operands = new Operands(device);
        View ofX = operands.Output(plan.BytesOfX / sizeof(float));
        View ofDy = operands.Output(plan.BytesOfDy / sizeof(float));
        device.FillBytes(ofX.Address, plan.BytesOfX, 0xff);
        device.FillBytes(ofDy.Address, plan.BytesOfDy, 0xff);
        device.Launch(
            PlaneItems.Kernel, plan.Items(operands.Of(x), operands.Of(dy), ofX.Address, ofDy.Address, default), 2, 2);
        int pitch = shape.Input.W + 2 * shape.Padding.W;
        Assert.Equal(
            Items(x, shape.Batch, shape.Input, shape.InChannels, shape.Padding, pitch, plan.BytesOfX),
            operands.Floats(ofX));
        Assert.Equal(
            Items(dy, shape.Batch, shape.Output, shape.OutChannels, default, pitch, plan.BytesOfDy),
            operands.Floats(ofDy));
    }

    /// <summary>Pairs of bfloat16, as floats of the same bits.</summary>
    static float[] Items(
        float[] volume, int batch, Extent size, int channels, Extent padding, int pitch, long bytes)
    {
        int chunks = (channels + 63) / 64 * 8, positions = (int)(bytes / 16 / (batch * chunks * size.D));
        var halves = new ushort[bytes / sizeof(ushort)];
        for (int i = 0; i < volume.Length; i++)
        {
            int channel = i % channels, w = i / channels % size.W, h = i / channels / size.W % size.H;
            int d = i / channels / size.W / size.H % size.D, sample = i / channels / (int)size.Voxels;
            int position = (h + padding.H) * pitch + w + padding.W;
            int item = ((sample * chunks + channel / 8) * size.D + d) * positions + position;
            halves[item * 8 + channel % 8] = (ushort)(BitConverter.SingleToUInt32Bits(volume[i]) >> 16);
        }
        return [.. halves.Chunk(2).Select(pair => BitConverter.UInt32BitsToSingle(pair[0] | (uint)pair[1] << 16))];
    }

    [Theory]
    [InlineData(32, 64, 3, 20, false), InlineData(64, 32, 3, 20, false), InlineData(64, 64, 1, 20, false)]
    [InlineData(64, 64, 3, 20, true), InlineData(128, 70, 3, 126, true), InlineData(64, 64, 3, 300, false)]
    public void Channels_taps_and_lines_choose_it(int inChannels, int outChannels, int depth, int width, bool want)
    {
        var volume = new Extent(8, 8, width);
        var shape = new ConvolutionShape(
            1, volume, inChannels, volume, outChannels, Taps with { D = depth }, Unit, Unit with { D = depth / 2 });
        Assert.Equal(want, WarpgroupGradientPlan.Takes(shape));
    }

    [Fact]
    public void Other_strides_do_not()
    {
        var shape = new ConvolutionShape(
            1, new Extent(9, 9, 9), 64, new Extent(5, 5, 5), 64, Taps, new Extent(2, 2, 2), Unit);
        Assert.False(WarpgroupGradientPlan.Takes(shape));
        Assert.True(WarpgroupGradientPlan.Takes(shape with { Stride = Unit, Output = shape.Input }));
    }

    /// <summary>V-Net's layers fill an H200 once.</summary>
    [Theory, InlineData(64, 28, 28, 20, 44), InlineData(128, 14, 14, 10, 11), InlineData(256, 7, 7, 5, 2)]
    public void A_block_for_each_multiprocessor(int channels, int depth, int height, int width, int pieces)
    {
        var volume = new Extent(depth, height, width);
        var plan = new WarpgroupGradientPlan(new(4, volume, channels, volume, channels, Taps, Unit, Unit));
        Assert.Equal(pieces, plan.Pieces);
    }

    static ConvolutionShape Shape(int batch, Extent input, int inChannels, int outChannels, Extent padding) => new(
        batch, input, inChannels,
        new Extent(input.D + 2 * padding.D - 2, input.H + 2 * padding.H - 2, input.W + 2 * padding.W - 2),
        outChannels, Taps, Unit, padding);

    /// <summary>Numbers that are bfloat16's.</summary>
    static float[] Rounded(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

    /// <summary>Whole numbers up to this size.</summary>
    static float[] Whole(long count, int seed, int most) =>
        Array.ConvertAll(Numbers.Draw(count, seed), v => (float)Math.Round(Math.Clamp(v, -1, 1) * most));

    /// <summary>A row of taps a block, 128 threads: the emulator has no more than 256.</summary>
    readonly struct OneRow : ITapRows
    {
        public static int Count => 1;
    }
}
