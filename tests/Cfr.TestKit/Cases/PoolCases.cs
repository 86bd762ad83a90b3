using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class PoolCases
{
    public static IEnumerable<OpCase> All =>
    [
        Pool([1, 1, 1, 1, 1], new(1, 1, 1)), Pool([2, 4, 6, 2, 3], new(2, 2, 2)), Pool([2, 7, 5, 5, 2], new(2, 2, 2)),
        Pool([1, 7, 5, 5, 17], new(3, 3, 3), new Extent(2, 2, 2)),
        Pool([1, 4, 5, 6, 8], new(3, 3, 3), new Extent(1, 2, 1), new Extent(1, 1, 1)),
        Pool([2, 3, 9, 4, 16], new(1, 2, 4), new Extent(1, 3, 3)), Pool([0, 2, 2, 2, 1], new(2, 2, 2)),
        Pool([1, 40, 33, 10, 5], new(3, 2, 3), new Extent(2, 2, 2), new Extent(1, 0, 1)),
        Images([2, 7, 9, 5], (2, 2)), Images([1, 8, 8, 3], (3, 3), (2, 2), (1, 1)),
        Pool([1, 112, 112, 80, 16], new(2, 2, 2)) with
        {
            Name = "2x2x2, 16 channels at 112x112x80",
            BenchmarkOnly = true,
        },
    ];

    static OpCase Pool(Shape shape, Extent kernel, Extent? stride = null, Extent padding = default) => Case(
        "max pool3d", shape, new Extent(shape[1], shape[2], shape[3]), kernel, stride ?? kernel, padding,
        x => x.MaxPool3d(kernel, stride, padding));

    static OpCase Images(
        Shape shape, (int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default) =>
        Case("max pool2d", shape, new Extent(1, shape[1], shape[2]), new Extent(1, kernel.H, kernel.W),
            new Extent(1, (stride ?? kernel).H, (stride ?? kernel).W), new Extent(0, padding.H, padding.W),
            x => x.MaxPool2d(kernel, stride, padding));

    static OpCase Case(
        string family, Shape shape, Extent input, Extent kernel, Extent stride, Extent padding,
        Func<Tensor, Tensor> run) => new(
        family, $"{shape} kernel {kernel} stride {stride} padding {padding}", [new("x", shape)],
        x => run(x[0]),
        x =>
        {
            var output = new Extent(
                (input.D + 2 * padding.D - kernel.D) / stride.D + 1,
                (input.H + 2 * padding.H - kernel.H) / stride.H + 1,
                (input.W + 2 * padding.W - kernel.W) / stride.W + 1);
            var pooling = new PoolingShape(shape[0], input, shape[^1], output, kernel, stride, padding);
            double[] y = new double[shape[0] * output.Voxels * shape[^1]];
            PoolingNaive.MaxForward<double>(pooling, x[0], y, new int[y.Length]);
            return y;
        },
        Terms: kernel.Voxels);
}
