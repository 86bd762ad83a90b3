using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class SoftmaxCases
{
    static readonly Shape[] Shapes =
        [[1, 1], [3, 2], [70, 2], [129, 3], [2, 3, 5, 4], [100, 14], [65, 15], [7, 16], [5, 33], [3, 77], [2, 4096],
        [0, 4]];

    public static IEnumerable<OpCase> All =>
    [
        .. Shapes.Select(Softmax), .. Shapes.Select(LogSoftmax),
        Softmax([4096, 768]) with { Name = "4096 x 768", BenchmarkOnly = true },
        Softmax([112 * 112 * 80, 2]) with { Name = "2 classes at 112x112x80", BenchmarkOnly = true },
        Softmax([112 * 112 * 80, 14]) with { Name = "14 classes at 112x112x80", BenchmarkOnly = true },
    ];

    static OpCase Softmax(Shape shape) => new(
        "softmax", $"{shape}", [new("x", shape)],
        x => x[0].Softmax(),
        x =>
        {
            double[] y = new double[x[0].Length];
            SoftmaxNaive.Forward<double>((int)shape[..^1].Count, shape[^1], x[0], y);
            return y;
        },
        Terms: shape[^1]);

    static OpCase LogSoftmax(Shape shape) => new(
        "log softmax", $"{shape}", [new("x", shape)],
        x => x[0].LogSoftmax(),
        x =>
        {
            double[] y = new double[x[0].Length];
            SoftmaxNaive.LogForward<double>((int)shape[..^1].Count, shape[^1], x[0], y);
            return y;
        },
        Terms: shape[^1]);
}
