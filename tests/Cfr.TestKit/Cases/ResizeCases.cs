using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class ResizeCases
{
    static readonly (Shape Shape, int[] Size)[] Sizes =
    [
        ([1, 1, 1, 1], [1, 1]), ([2, 3, 4, 5], [3, 4]), ([1, 1, 5, 3], [4, 7]), ([1, 5, 1, 8], [1, 6]),
        ([2, 7, 5, 1], [13, 20]),
        ([1, 16, 12, 2], [5, 4]), ([1, 9, 4, 17], [5, 11]), ([0, 3, 3, 2], [6, 6]),
        ([1, 2, 3, 4, 1], [4, 6, 8]), ([2, 3, 2, 4, 3], [6, 5, 4]), ([1, 5, 4, 3, 16], [1, 1, 1]),
        ([1, 1, 1, 1, 4], [3, 2, 5]),
        ([1, 8, 6, 4, 2], [3, 12, 4]),
    ];

    public static IEnumerable<OpCase> All =>
    [
        .. Sizes.Select(one => Resize(one.Shape, one.Size, Interpolation.Nearest)),
        .. Sizes.Select(one => Resize(one.Shape, one.Size, Interpolation.Linear)),
        .. Sizes.Select(one => Resize(one.Shape, one.Size, Interpolation.Linear, alignCorners: true)),
        Resize([1, 256, 256, 1], [1024, 1024], Interpolation.Linear) with
        {
            Name = "256 to 1024, 1 channel",
            BenchmarkOnly = true,
        },
        Resize([1, 56, 56, 40, 16], [112, 112, 80], Interpolation.Linear) with
        {
            Name = "56x56x40 to 112x112x80, 16 channels",
            BenchmarkOnly = true,
        },
        Resize([1, 14, 14, 10, 2], [112, 112, 80], Interpolation.Linear) with
        {
            Name = "14x14x10 to 112x112x80, 2 channels",
            BenchmarkOnly = true,
        },
    ];

    static OpCase Resize(Shape shape, int[] size, Interpolation interpolation, bool alignCorners = false)
    {
        Extent input = Volume([.. shape[1..^1]]), output = Volume(size);
        var resampling = new ResamplingShape(shape[0], input, output, shape[^1], interpolation, alignCorners);
        return new(
            "resize", $"{shape} to {string.Join('x', size)} {interpolation}{(alignCorners ? " corners aligned" : "")}",
            [new("x", shape)],
            x => x[0].Resize(size, interpolation, alignCorners),
            x =>
            {
                double[] y = new double[shape[0] * output.Voxels * shape[^1]];
                ResamplingNaive.Forward<double>(resampling, x[0], y);
                return y;
            },
            Terms: 8 + (double)output.Voxels / input.Voxels);
    }

    static Extent Volume(int[] sizes) =>
        sizes.Length == 2 ? new Extent(1, sizes[0], sizes[1]) : new Extent(sizes[0], sizes[1], sizes[2]);
}
