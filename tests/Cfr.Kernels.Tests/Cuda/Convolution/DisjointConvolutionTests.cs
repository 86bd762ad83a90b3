using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Convolutions with kernels as large as their stride, in the emulator; against double precision, with factors that
/// bfloat16 rounds no more.
/// </summary>
public class DisjointConvolutionTests
{
    static readonly EmulatedDevice Device = new() { SmallWork = 0 };

    /// <summary>The same code as that of the large tiles, of one or two warps.</summary>
    static readonly Dictionary<string, DisjointTile> Small = new()
    {
        ["float32"] = DisjointKernels.Float32.Small,
        ["tf32"] = DisjointKernels.Tensor<Tf32Mma, WarpTile32, Fragments32, OneWarp>("tf32_32x32", blocks: 1),
        ["bfloat16"] =
            DisjointKernels.Tensor<BFloat16OfFloatsMma, WarpTile32, Fragments32, OneWarp>("bfloat16_32x32", blocks: 1),
    };

    static readonly Dictionary<string, DisjointTile> Real = DisjointKernels.Float32.All
        .Concat(DisjointKernels.Tf32.All).Concat(DisjointKernels.BFloat16.All).Except(Small.Values)
        .ToDictionary(tile => tile.Forward.Name);

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["2x2x2"] = Shape(2, new(4, 6, 4), 4, 8, new(2, 2, 2)),
        ["voxels that no patch has"] = Shape(2, new(5, 7, 5), 4, 12, new(2, 2, 2)),
        ["an image, and runs of several voxels a packet"] = Shape(2, new(1, 9, 20), 3, 4, new(1, 4, 4)),
        ["more of everything than a tile has"] = Shape(1, new(2, 10, 14), 12, 68, new(2, 1, 2)),
        ["few patches and many columns"] = Shape(2, new(1, 8, 18), 18, 4, new(1, 8, 4)),
        ["many patches"] = Shape(3, new(1, 17, 22), 2, 8, new(1, 1, 2)) with { Input = new(1, 17, 24) },
    };

    public static TheoryData<string, string, Activation> Cases =>
    [
        .. from tile in Small.Keys
           from shape in Shapes.Keys.Index()
           select new TheoryDataRow<string, string, Activation>(tile, shape.Item, (Activation)(shape.Index % 3)),
    ];

    public static TheoryData<string> Tiles => [.. Real.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void All_passes_match_double_precision(string tile, string shape, Activation activation) =>
        Check(new DisjointTiles(Small[tile], Small[tile], Small[tile]), Shapes[shape], activation);

    [Theory, MemberData(nameof(Tiles))]
    public void Each_tile_matches_double_precision(string name)
    {
        DisjointTile tile = Real[name];
        Check(
            new DisjointTiles(tile, tile, tile), Shape(1, new(1, 3, 10), 4, 8, new(1, 2, 2)), Activation.Gelu);
    }

    [Theory, InlineData(Precision.Float32, "float32_64x64"), InlineData(Precision.TF32, "tf32_128x32")]
    [InlineData(Precision.BFloat16, "bfloat16_128x32")]
    public void Every_precision_goes_this_way(Precision precision, string tile)
    {
        EmulatedDevice device =
            precision == Precision.Float32 ? Device : new EmulatedDevice(precision) { SmallWork = 0 };
        var profiler = new Profiler();
        IConvolution convolution = new ProfiledDevice(device, profiler).Convolution;
        Check(
            device, Shape(1, new(1, 4, 8), 4, 8, new(1, 2, 2)), Activation.Relu, convolution.Forward,
            convolution.InputGradient, convolution.WeightGradient);
        device.Observer = null;
        string name = $"convolution_disjoint_{tile}";
        Assert.Equal(
            [name, $"{name}_input_gradient", $"{name}_weight_gradient"],
            profiler.Rows(bySizes: false).SelectMany(row => row.Kernels).Select(kernel => kernel.Name).Order());
        if (device != Device) device.Dispose();
    }

    [Fact]
    public void Sums_in_pieces_are_the_same_bits_twice()
    {
        ConvolutionShape shape = Shapes["few patches and many columns"];
        float[] x = Drawn(shape.Input.Voxels * shape.Batch * shape.InChannels, 1);
        float[] w = Drawn(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        using var operands = new Operands(Device);
        View inputs = operands.Of(x), weights = operands.Of(w);
        Assert.Equal(Run().AsSpan(), Run().AsSpan());

        float[] Run()
        {
            View y = operands.Output(shape.Batch * shape.Output.Voxels * shape.OutChannels);
            Assert.True(
                new GpuDisjointConvolution(Device).Forward(shape, inputs, weights, default, y, Activation.None));
            return operands.Floats(y);
        }
    }

    [Fact]
    public void Other_convolutions_are_not_its_own()
    {
        ConvolutionShape own = Shape(1, new(2, 2, 4), 4, 8, new(2, 2, 2));
        AssertNotTaken(own with { Kernel = new(2, 2, 3) });
        AssertNotTaken(own with { Padding = new(0, 1, 0) });
        AssertNotTaken(own with { Kernel = new(1, 1, 1), Stride = new(1, 1, 1), Output = own.Input });
        AssertNotTaken(own with { Output = new(1, 1, 3) });
        AssertNotTaken(own with { OutChannels = 6 });
        AssertNotTaken(own with { OutChannels = 516 });
        AssertNotTaken(own with { Batch = int.MaxValue });
        AssertNotTaken(Shape(1, new(2, 2, 4), 3, 8, new(2, 2, 2)));
        AssertNotTaken(Shape(1, new(2, 2, 5), 2, 8, new(2, 2, 2)));
        AssertNotTaken(own, new View(4, 32, DType.Float32));

        static void AssertNotTaken(ConvolutionShape shape, View x = default) => Assert.False(
            new GpuDisjointConvolution(Device).Forward(shape, x, default, default, default, Activation.None));
    }

    static void Check(DisjointTiles tiles, ConvolutionShape shape, Activation activation)
    {
        var convolution = new GpuDisjointConvolution(Device);
        Check(
            Device, shape, activation,
            (s, x, w, bias, y, act) => Assert.True(convolution.Forward(tiles, s, x, w, bias, y, act)),
            (s, dy, w, bias, dx, act, accumulate) =>
                Assert.True(convolution.InputGradient(tiles, s, dy, w, bias, dx, act, accumulate)),
            (s, x, dy, dw) => Assert.True(convolution.WeightGradient(tiles, s, x, dy, dw)));
    }

    /// <summary>Runs all passes, the input gradient without a bias too, and added to other numbers.</summary>
    static void Check(
        EmulatedDevice device, ConvolutionShape shape, Activation activation,
        Action<ConvolutionShape, View, View, View, View, Activation> forward,
        Action<ConvolutionShape, View, View, View, View, Activation, bool> inputGradient,
        Action<ConvolutionShape, View, View, View> weightGradient)
    {
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        float[] x = Drawn(inputs, 1), w = Drawn(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        float[] dy = Drawn(outputs, 3);
        float[] outBias = Numbers.Draw(shape.OutChannels, 4), inBias = Numbers.Draw(shape.InChannels, 5);
        double[] wantY = new double[outputs], wantDx = new double[inputs], wantDw = new double[w.Length];
        double[] wantPlain = new double[inputs];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), outBias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), inBias.Doubles(), wantDx);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), [], wantPlain);
        ConvolutionNaive.WeightGradient<double>(shape, x.Doubles(), dy.Doubles(), wantDw);

        using var operands = new Operands(device);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xff);
        View ofX = operands.Of(x), ofW = operands.Of(w), ofDy = operands.Of(dy);
        View y = operands.Output(outputs), dx = operands.Output(inputs), plain = operands.Output(inputs);
        View dw = operands.Output(w.Length), sum = operands.Of(x);
        forward(shape, ofX, ofW, operands.Of(outBias), y, activation);
        inputGradient(shape, ofDy, ofW, operands.Of(inBias), dx, activation, false);
        inputGradient(shape, ofDy, ofW, default, plain, Activation.None, false);
        inputGradient(shape, ofDy, ofW, default, sum, Activation.None, true);
        weightGradient(shape, ofX, ofDy, dw);
        Numbers.AssertClose([.. wantY.Select(Activated)], operands.Floats(y), 1e-6, 1e-5);
        Numbers.AssertClose([.. wantDx.Select(Activated)], operands.Floats(dx), 1e-6, 1e-5);
        Numbers.AssertClose(wantPlain, operands.Floats(plain), 1e-6, 1e-5);
        Assert.Equal(operands.Floats(plain).Zip(x, (a, b) => a + b), operands.Floats(sum));
        Numbers.AssertClose(wantDw, operands.Floats(dw), 1e-6, 1e-6 * Math.Sqrt(shape.Batch * shape.Output.Voxels));

        double Activated(double value) => ActivationNaive.Apply(activation, value);
    }

    /// <summary>Numbers that are bfloat16's.</summary>
    static float[] Drawn(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

    static ConvolutionShape Shape(int batch, Extent input, int channels, int outputs, Extent kernel) => new(
        batch, input, channels, new Extent(input.D / kernel.D, input.H / kernel.H, input.W / kernel.W), outputs,
        kernel, kernel, default);
}
