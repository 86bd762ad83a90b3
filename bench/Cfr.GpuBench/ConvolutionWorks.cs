using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>The layers of V-Net on four volumes of 112x112x80, each pass of each, on tensor cores.</summary>
static class ConvolutionWorks
{
    const int Batch = 4;

    static readonly Extent Whole = new(112, 112, 80), Half = new(56, 56, 40);

    static readonly ConvolutionShape[] Same =
    [
        Cubes(1, 16, Whole), Cubes(16, 16, Whole), Cubes(32, 32, Half), Cubes(64, 64, new(28, 28, 20)),
        Cubes(128, 128, new(14, 14, 10)), Cubes(256, 256, new(7, 7, 5)),
    ];

    static readonly ConvolutionShape Down = new(
        Batch, Whole, 16, Half, 32, new Extent(2, 2, 2), new Extent(2, 2, 2), new Extent(0, 0, 0));

    public static IEnumerable<GpuWork> All =>
    [
        .. Same.SelectMany(shape => Passes(Label("", shape, shape.InChannels, shape.OutChannels), shape)),
        .. Passes(Label("down ", Down, Down.InChannels, Down.OutChannels), Down),
        .. TransposedPasses(Label("up ", Down, Down.OutChannels, Down.InChannels), Down),
    ];

    static readonly Precision[] Precisions = [Precision.TF32, Precision.BFloat16];

    static ConvolutionShape Cubes(int inputs, int outputs, Extent size) => new(
        Batch, size, inputs, size, outputs, new Extent(3, 3, 3), new Extent(1, 1, 1), new Extent(1, 1, 1));

    static string Label(string kind, ConvolutionShape shape, int from, int to) => $"conv3d {kind}{from}-{to} {Batch}x{shape.Input}";

    static IEnumerable<GpuWork> Passes(string label, ConvolutionShape shape)
    {
        foreach (Precision precision in Precisions)
        {
            yield return Forward($"{label} forward", precision, shape, hasBias: true);
            // The network's input needs no gradient.
            if (shape.InChannels > 1)
                yield return InputGradient($"{label} input gradient", precision, shape, hasBias: false);
            yield return WeightGradient($"{label} weight gradient", precision, shape);
        }
    }

    /// <summary>The passes of the transposed convolution that mirrors <paramref name="shape"/>.</summary>
    static IEnumerable<GpuWork> TransposedPasses(string label, ConvolutionShape shape)
    {
        foreach (Precision precision in Precisions)
        {
            yield return InputGradient($"{label} forward", precision, shape, hasBias: true);
            yield return Forward($"{label} input gradient", precision, shape, hasBias: false);
            yield return WeightGradient($"{label} weight gradient", precision, shape);
        }
    }

    static GpuWork Forward(string name, Precision precision, ConvolutionShape shape, bool hasBias) => Work(name, precision, shape, x =>
    {
        View input = x.Random(DType.Float32, Inputs(shape)), w = x.Random(DType.Float32, Weights(shape));
        View bias = hasBias ? x.Random(DType.Float32, shape.OutChannels) : default, y = x.Empty(DType.Float32, Outputs(shape));
        return () => x.Device.Convolution.Forward(shape, input, w, bias, y);
    });

    static GpuWork InputGradient(string name, Precision precision, ConvolutionShape shape, bool hasBias) => Work(name, precision, shape, x =>
    {
        View dy = x.Random(DType.Float32, Outputs(shape)), w = x.Random(DType.Float32, Weights(shape));
        View bias = hasBias ? x.Random(DType.Float32, shape.InChannels) : default, dx = x.Empty(DType.Float32, Inputs(shape));
        return () => x.Device.Convolution.InputGradient(shape, dy, w, bias, dx);
    });

    static GpuWork WeightGradient(string name, Precision precision, ConvolutionShape shape) => Work(name, precision, shape, x =>
    {
        View input = x.Random(DType.Float32, Inputs(shape)), dy = x.Random(DType.Float32, Outputs(shape));
        View dw = x.Empty(DType.Float32, Weights(shape));
        return () => x.Device.Convolution.WeightGradient(shape, input, dy, dw);
    });

    static GpuWork Work(string name, Precision precision, ConvolutionShape shape, Func<Operands, Action> prepare) => new(
        $"{name} {precision.Name()}", precision, shape.Flop, 4.0 * (Inputs(shape) + Weights(shape) + Outputs(shape)), prepare);

    static long Inputs(ConvolutionShape shape) => Batch * shape.Input.Voxels * shape.InChannels;

    static long Outputs(ConvolutionShape shape) => Batch * shape.Output.Voxels * shape.OutChannels;

    static long Weights(ConvolutionShape shape) => shape.Kernel.Voxels * shape.InChannels * shape.OutChannels;
}
