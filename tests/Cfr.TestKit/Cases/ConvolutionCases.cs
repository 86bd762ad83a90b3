using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class ConvolutionCases
{
    public static IEnumerable<OpCase> All =>
    [
        Volumes([1, 1, 1, 1, 1], 1, kernel: 1), Volumes([1, 3, 4, 5, 1], 16, kernel: 3, padding: 1),
        Volumes([2, 3, 4, 7, 16], 16, kernel: 3, padding: 1), Volumes([1, 3, 5, 13, 5], 7, kernel: 3, padding: 1),
        Volumes([1, 4, 5, 20, 3], 33, kernel: 3), Volumes([1, 2, 3, 5, 40], 24, kernel: 3, padding: 1),
        Volumes([2, 5, 4, 7, 16], 2, kernel: 1), Volumes([1, 3, 3, 29, 9], 17, kernel: 1),
        Volumes([1, 4, 6, 8, 8], 16, kernel: 2, stride: 2), Volumes([1, 5, 7, 9, 3], 4, kernel: 2, stride: 2),
        Volumes([1, 5, 6, 9, 4], 10, kernel: 3, stride: 2, padding: 1),
        Volumes([1, 6, 7, 8, 2], 3, kernel: 1, stride: 2),
        Volumes([1, 7, 8, 9, 2], 3, kernel: 2, stride: 3, padding: 1),
        Volumes([1, 5, 6, 17, 3], 5, kernel: 5, padding: 2), Volumes([1, 2, 2, 2, 3], 4, kernel: 2, padding: 2),
        Volumes([1, 2, 2, 3, 130], 3, kernel: 3, padding: 1), Volumes([0, 3, 3, 3, 2], 4, kernel: 3, padding: 1),
        Volumes([1, 3, 4, 7, 16], 16, kernel: 3, padding: 1, bias: false),
        Volumes([1, 2, 3, 8, 16], 16, kernel: 3, padding: 1), Volumes([2, 5, 9, 11, 18], 33, kernel: 3, padding: 1),
        Volumes([1, 4, 5, 10, 35], 24, kernel: 3), Volumes([1, 4, 19, 9, 8], 3, kernel: 3, padding: 2),
        Images([2, 7, 13, 20], 37, kernel: 3, padding: 1), Images([1, 3, 40, 67], 5, kernel: 3, padding: 1),
        TransposedVolumes([1, 3, 4, 11, 17], 18, kernel: 3, padding: 1),
        Images([2, 5, 7, 3], 8, kernel: 3, padding: 1), Images([1, 12, 16, 3], 24, kernel: 4, stride: 4),
        Images([1, 9, 11, 20], 6, kernel: 3, stride: 2, padding: 1), Images([1, 1, 1, 2], 3, kernel: 3, padding: 1),
        TransposedVolumes([1, 1, 1, 1, 1], 1, kernel: 1),
        TransposedVolumes([1, 3, 4, 5, 8], 16, kernel: 2, stride: 2),
        TransposedVolumes([2, 2, 3, 5, 5], 3, kernel: 2, stride: 2),
        TransposedVolumes([1, 2, 3, 4, 6], 17, kernel: 3, stride: 2, padding: 1),
        TransposedVolumes([1, 3, 2, 7, 4], 5, kernel: 3, padding: 1),
        TransposedVolumes([1, 2, 3, 4, 2], 3, kernel: 2, stride: 3),
        TransposedVolumes([0, 2, 2, 2, 2], 3, kernel: 2, stride: 2),
        TransposedVolumes([1, 3, 4, 5, 8], 16, kernel: 2, stride: 2, bias: false),
        TransposedImages([2, 5, 7, 20], 9, kernel: 2, stride: 2),
        TransposedImages([1, 4, 5, 3], 2, kernel: 4, stride: 2, padding: 1),
        Volumes([1, 112, 112, 80, 16], 16, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 16 channels at 112x112x80", BenchmarkOnly = true,
        },
        Volumes([1, 56, 56, 40, 32], 32, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 32 channels at 56x56x40", BenchmarkOnly = true,
        },
        Volumes([1, 28, 28, 20, 64], 64, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 64 channels at 28x28x20", BenchmarkOnly = true,
        },
        Volumes([1, 14, 14, 10, 128], 128, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 128 channels at 14x14x10", BenchmarkOnly = true,
        },
        Volumes([1, 7, 7, 5, 256], 256, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 256 channels at 7x7x5", BenchmarkOnly = true,
        },
        Volumes([1, 112, 112, 80, 1], 16, kernel: 3, padding: 1) with
        {
            Name = "3x3x3, 1 to 16 channels at 112x112x80", BenchmarkOnly = true,
        },
        Volumes([1, 112, 112, 80, 16], 2, kernel: 1) with
        {
            Name = "1x1x1, 16 to 2 channels at 112x112x80", BenchmarkOnly = true,
        },
        Volumes([1, 112, 112, 80, 16], 32, kernel: 2, stride: 2) with
        {
            Name = "2x2x2 stride 2, 16 to 32 channels from 112x112x80", BenchmarkOnly = true,
        },
        TransposedVolumes([1, 56, 56, 40, 32], 16, kernel: 2, stride: 2) with
        {
            Name = "2x2x2 stride 2, 32 to 16 channels to 112x112x80", BenchmarkOnly = true,
        },
        Images([1, 1024, 1024, 3], 768, kernel: 16, stride: 16) with
        {
            Name = "16x16 stride 16, 3 to 768 channels from 1024x1024", BenchmarkOnly = true,
        },
        Images([1, 64, 64, 256], 256, kernel: 3, padding: 1) with
        {
            Name = "3x3, 256 channels at 64x64", BenchmarkOnly = true,
        },
    ];

    static OpCase Volumes(
        Shape x, int channels, int kernel, int stride = 1, int padding = 0, bool bias = true) => Forward(
        "conv3d", x, [kernel, kernel, kernel, x[^1], channels], bias,
        new Extent(x[1], x[2], x[3]), Cube(kernel), Cube(stride), Cube(padding),
        t => t[0].Conv3d(t[1], bias ? t[2] : null, stride, padding));

    static OpCase Images(Shape x, int channels, int kernel, int stride = 1, int padding = 0) => Forward(
        "conv2d", x, [kernel, kernel, x[^1], channels], true,
        new Extent(1, x[1], x[2]), Square(kernel), Square(stride), new Extent(0, padding, padding),
        t => t[0].Conv2d(t[1], t[2], stride, padding));

    static OpCase TransposedVolumes(
        Shape x, int channels, int kernel, int stride = 1, int padding = 0, bool bias = true) => Transposed(
        "transposed conv3d", x, [kernel, kernel, kernel, channels, x[^1]], bias,
        new Extent(x[1], x[2], x[3]), Cube(kernel), Cube(stride), Cube(padding),
        t => t[0].ConvTranspose3d(t[1], bias ? t[2] : null, stride, padding));

    static OpCase TransposedImages(Shape x, int channels, int kernel, int stride = 1, int padding = 0) => Transposed(
        "transposed conv2d", x, [kernel, kernel, channels, x[^1]], true,
        new Extent(1, x[1], x[2]), Square(kernel), Square(stride), new Extent(0, padding, padding),
        t => t[0].ConvTranspose2d(t[1], t[2], stride, padding));

    static OpCase Forward(
        string family, Shape x, Shape weight, bool bias, Extent input, Extent kernel, Extent stride, Extent padding,
        Func<Tensor[], Tensor> run)
    {
        int Size(int i, int k, int s, int p) => (i + 2 * p - k) / s + 1;
        var output = new Extent(
            Size(input.D, kernel.D, stride.D, padding.D), Size(input.H, kernel.H, stride.H, padding.H),
            Size(input.W, kernel.W, stride.W, padding.W));
        var shape = new ConvolutionShape(x[0], input, x[^1], output, weight[^1], kernel, stride, padding);
        return Case(family, x, weight, bias, weight[^1], shape, run, t =>
        {
            double[] y = new double[x[0] * output.Voxels * weight[^1]];
            ConvolutionNaive.Forward<double>(shape, t[0], t[1], bias ? t[2] : [], y);
            return y;
        });
    }

    static OpCase Transposed(
        string family, Shape x, Shape weight, bool bias, Extent input, Extent kernel, Extent stride, Extent padding,
        Func<Tensor[], Tensor> run)
    {
        int Size(int i, int k, int s, int p) => (i - 1) * s - 2 * p + k;
        var output = new Extent(
            Size(input.D, kernel.D, stride.D, padding.D), Size(input.H, kernel.H, stride.H, padding.H),
            Size(input.W, kernel.W, stride.W, padding.W));
        var mirrored = new ConvolutionShape(x[0], output, weight[^2], input, x[^1], kernel, stride, padding);
        return Case(family, x, weight, bias, weight[^2], mirrored, run, t =>
        {
            double[] y = new double[x[0] * output.Voxels * weight[^2]];
            ConvolutionNaive.InputGradient<double>(mirrored, t[0], t[1], bias ? t[2] : [], y);
            return y;
        });
    }

    static OpCase Case(
        string family, Shape x, Shape weight, bool bias, int channels, ConvolutionShape shape,
        Func<Tensor[], Tensor> run, Func<double[][], double[]> reference) => new(
        family,
        $"{x} to {channels} channels, kernel {shape.Kernel}, stride {shape.Stride}, padding {shape.Padding}" +
            (bias ? "" : ", no bias"),
        bias ? [new("x", x), new("weight", weight), new("bias", [channels])] : [new("x", x), new("weight", weight)],
        run, reference,
        Terms: Math.Max(
            shape.Kernel.Voxels * Math.Max(shape.InChannels, shape.OutChannels),
            shape.Batch * Math.Max(shape.Input.Voxels, shape.Output.Voxels)))
        {
            Flop = shape.Flop,
        };

    static Extent Cube(int size) => new(size, size, size);

    static Extent Square(int size) => new(1, size, size);
}
