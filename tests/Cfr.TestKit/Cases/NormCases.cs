using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class NormCases
{
    const float Eps = 1e-5f;

    public static IEnumerable<OpCase> All =>
    [
        Layer([1, 1]), Layer([3, 7]), Layer([2, 3, 16]), Layer([1, 67]), Layer([300, 13]), Layer([4, 768]),
        Layer([3, 45], hasWeight: false), Layer([3, 0]), Layer([0, 5]),
        Layer([4096, 768]) with { Name = "4096 x 768", BenchmarkOnly = true },

        Batch([5, 1]), Batch([3, 2]), Batch([2, 5, 3]), Batch([1, 3, 3, 3, 5]), Batch([2, 3, 5, 16], Activation.Relu),
        Batch([2, 7, 9, 32], Activation.Gelu), Batch([3, 2, 5, 2, 1], Activation.Relu), Batch([1, 4, 3, 255]),
        Batch([1, 70000, 1]), Batch([1, 2500, 33], Activation.Relu), Batch([4, 9, 14], hasWeight: false),
        Batch([1, 112, 112, 80, 16], Activation.Relu) with
        {
            Name = "16 channels at 112x112x80, ReLU",
            BenchmarkOnly = true,
        },
        Fixed([2, 5, 3]), Fixed([2, 3, 3, 16], Activation.Relu), Fixed([1, 1, 7], Activation.Gelu),

        Group([2, 5, 6], 2), Group([1, 3, 3, 3, 12], 3, Activation.Relu), Group([3, 1, 8], 1),
        Group([2, 600, 10], 5, Activation.Gelu),
        Group([2, 3, 3, 4], 2, hasWeight: false),
        Instance([2, 5, 3]), Instance([3, 2, 3, 4, 17], Activation.Relu), Instance([2, 9, 1]),
        Instance([1, 3, 3, 8], hasWeight: false),
    ];

    static OpCase Layer(Shape shape, bool hasWeight = true) => new(
        "layer norm", Name(shape, Activation.None, hasWeight), Inputs(shape, hasWeight),
        x => x[0].LayerNorm(x.ElementAtOrDefault(1), x.ElementAtOrDefault(2), Eps),
        x =>
        {
            int width = shape[^1], rows = (int)shape[..^1].Count;
            double[] y = new double[x[0].Length], mean = new double[rows], inverse = new double[rows];
            LayerNormNaive.Forward<double>(rows, width, Eps, x[0], Optional(x, 1), Optional(x, 2), y, mean, inverse);
            return y;
        },
        Terms: Math.Max(shape[^1], shape[..^1].Count));

    static OpCase Batch(Shape shape, Activation activation = Activation.None, bool hasWeight = true)
    {
        var norm = NormShape.PerChannel(shape[0], shape[1..^1].Count, shape[^1]);
        return Case("batch norm", shape, norm, activation, hasWeight, (x, weight, bias) =>
            x.BatchNormTraining(weight, bias, eps: Eps, activation: activation));
    }

    static OpCase Group(Shape shape, int groups, Activation activation = Activation.None, bool hasWeight = true)
    {
        var norm = NormShape.PerGroup(shape[0], shape[1..^1].Count, shape[^1], groups);
        return Case($"group norm, {groups} groups", shape, norm, activation, hasWeight, (x, weight, bias) =>
            x.GroupNorm(groups, weight, bias, Eps, activation));
    }

    static OpCase Instance(Shape shape, Activation activation = Activation.None, bool hasWeight = true)
    {
        var norm = NormShape.PerGroup(shape[0], shape[1..^1].Count, shape[^1], shape[^1]);
        return Case("instance norm", shape, norm, activation, hasWeight, (x, weight, bias) =>
            x.InstanceNorm(weight, bias, Eps, activation));
    }

    static OpCase Case(
        string family, Shape shape, NormShape norm, Activation activation, bool hasWeight,
        Func<Tensor, Tensor?, Tensor?, Tensor> run) => new(
        family, Name(shape, activation, hasWeight), Inputs(shape, hasWeight),
        x => run(x[0], x.ElementAtOrDefault(1), x.ElementAtOrDefault(2)),
        x =>
        {
            double[] y = new double[x[0].Length];
            double[] mean = new double[norm.Statistics], variance = new double[norm.Statistics];
            ChannelNormNaive.Statistics<double>(norm, x[0], mean, variance);
            ChannelNormNaive.Normalize(norm, Eps, x[0], mean, variance, Optional(x, 1), Optional(x, 2), activation, y);
            return y;
        },
        Terms: shape.Count / shape[^1])
        {
            // A nearly constant channel divides rounding errors by a small deviation.
            Slack = norm.Count < 8 ? 16 : 4,
        };

    static OpCase Fixed(Shape shape, Activation activation = Activation.None)
    {
        var norm = NormShape.PerChannel(shape[0], shape[1..^1].Count, shape[^1]);
        Shape channels = [shape[^1]];
        return new(
            "batch norm, fixed statistics", Name(shape, activation, hasWeight: true),
            [
                .. Inputs(shape, hasWeight: true), new Input("mean", channels, Differentiated: false),
                new Input("variance", channels, Fill.Positive, Differentiated: false),
            ],
            x => x[0].BatchNormEvaluation(x[1], x[2], x[3], x[4], Eps, activation),
            x =>
            {
                double[] y = new double[x[0].Length];
                ChannelNormNaive.Normalize(norm, Eps, x[0], x[3], x[4], x[1], x[2], activation, y);
                return y;
            },
            Terms: shape.Count / shape[^1]);
    }

    static Input[] Inputs(Shape shape, bool hasWeight) => hasWeight
        ? [new("x", shape), new("weight", [shape[^1]]), new("bias", [shape[^1]])]
        : [new("x", shape)];

    static string Name(Shape shape, Activation activation, bool hasWeight) =>
        $"{shape}{(activation == Activation.None ? "" : $" {activation}")}{(hasWeight ? "" : " without weight")}";

    static double[] Optional(double[][] inputs, int index) => inputs.Length > index ? inputs[index] : [];
}
