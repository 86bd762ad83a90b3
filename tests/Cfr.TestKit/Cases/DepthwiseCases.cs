using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class DepthwiseCases
{
    public static IEnumerable<OpCase> All =>
    [
        Volumes([1, 1, 1, 1, 1], [1, 1, 1]), Volumes([1, 3, 4, 5, 6], [3, 3, 3]), Volumes([2, 4, 2, 3, 17], [3, 3, 3]),
        Volumes([1, 2, 5, 4, 3], [1, 3, 5]), Volumes([2, 3, 1, 2, 5], [5, 1, 3]), Volumes([0, 2, 2, 2, 3], [3, 3, 3]),
        Volumes([2, 3, 4, 5, 7], [3, 3, 3], bias: false),
        Volumes([1, 32, 32, 32, 384], [3, 3, 3]) with
        {
            Name = "3x3x3, 384 channels at 32x32x32", BenchmarkOnly = true,
        },
    ];

    /// <summary>The reference is the convolution of all channels with kernels that are 0 but for their own.</summary>
    static OpCase Volumes(Shape x, Shape kernel, bool bias = true)
    {
        int channels = x[4];
        var size = new Extent(x[1], x[2], x[3]);
        var taps = new Extent(kernel[0], kernel[1], kernel[2]);
        var border = new Extent(taps.D / 2, taps.H / 2, taps.W / 2);
        var shape = new ConvolutionShape(
            x[0], size, channels, size, channels, taps, Stride: new Extent(1, 1, 1), border);
        Input[] inputs = [new("x", x), new("weight", [.. kernel, 1, channels])];
        return new OpCase(
            "depthwise conv3d", $"{x}, kernel {taps}" + (bias ? "" : ", no bias"),
            bias ? [.. inputs, new("bias", [channels])] : inputs,
            t => t[0].DepthwiseConv3d(t[1], bias ? t[2] : null),
            t =>
            {
                double[] w = new double[t[1].Length * channels], y = new double[x.Count];
                for (int i = 0; i < t[1].Length; i++) w[i * channels + i % channels] = t[1][i];
                ConvolutionNaive.Forward<double>(shape, t[0], w, bias ? t[2] : [], y);
                return y;
            },
            Terms: Math.Max(taps.Voxels, x[0] * size.Voxels))
        {
            Flop = shape.Flop / channels,
        };
    }
}
