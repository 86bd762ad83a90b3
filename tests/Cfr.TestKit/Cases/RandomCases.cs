using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class RandomCases
{
    /// <summary>The first draw of a session with seed 0.</summary>
    static readonly RandomKey FirstDraw = new(0, 0);

    public static IEnumerable<OpCase> All =>
    [
        Dropout([1]), Dropout([3, 5]), Dropout([2, 3, 7, 5]), Dropout([40, 700], 0.1f), Dropout([9, 9], 0),
        Dropout([9, 9], 1),
        ChannelDropout([3, 5]), ChannelDropout([2, 3, 4, 5, 16]), ChannelDropout([2, 70, 1]),
        ChannelDropout([3, 4, 70], 0.25f),
        Dropout([4096, 768], 0.1f) with { Name = "4096 x 768", BenchmarkOnly = true },
        ChannelDropout([1, 112, 112, 80, 16]) with { Name = "16 channels at 112x112x80", BenchmarkOnly = true },
    ];

    static OpCase Dropout(Shape shape, float rate = 0.5f) =>
        Case("dropout", shape, rate, 1, 1, (int)shape.Count, x => x.Dropout(rate));

    static OpCase ChannelDropout(Shape shape, float rate = 0.5f) => Case(
        "channel dropout", shape, rate, shape[0], (int)shape[1..^1].Count, shape[^1], x => x.ChannelDropout(rate));

    static OpCase Case(
        string family, Shape shape, float rate, int outer, int middle, int inner, Func<Tensor, Tensor> run) => new(
        family, $"{shape} rate {rate}", [new("x", shape)],
        x => run(x[0]),
        x =>
        {
            double[] y = new double[x[0].Length];
            RandomNaive.Dropout(FirstDraw, (double)rate, outer, middle, inner, x[0], y);
            return y;
        });
}
