using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class ElementWiseCases
{
    public static IEnumerable<OpCase> All =>
    [
        .. Unary("relu", UnaryOp.Relu, x => x.Relu()),
        .. Unary("leaky relu", UnaryOp.LeakyRelu, x => x.LeakyRelu(0.2f), 0.2f),
        .. Unary("gelu", UnaryOp.Gelu, x => x.Gelu()), .. Unary("sigmoid", UnaryOp.Sigmoid, x => x.Sigmoid()),
        .. Unary("tanh", UnaryOp.Tanh, x => x.Tanh()), .. Unary("exp", UnaryOp.Exp, x => x.Exp()),
        .. Unary("log", UnaryOp.Log, x => x.Log(), fill: Fill.Positive),
        .. Unary("sqrt", UnaryOp.Sqrt, x => x.Sqrt(), fill: Fill.Positive),
        .. Unary("square", UnaryOp.Square, x => x.Square()), .. Unary("abs", UnaryOp.Abs, x => x.Abs()),
        .. Unary("reciprocal", UnaryOp.Reciprocal, x => x.Reciprocal(), fill: Fill.Positive),
        .. Unary("sin", UnaryOp.Sin, x => x.Sin()), .. Unary("cos", UnaryOp.Cos, x => x.Cos()),
        Unary("gelu", "4096 x 768", UnaryOp.Gelu, [4096, 768], x => x.Gelu()) with { BenchmarkOnly = true },
        Clamp([1]), Clamp([3, 5, 7]), Affine([1]), Affine([3, 5, 7]), BezierCurves([3, 5, 4]), BezierCurves([0, 2]),

        .. Binary("add", BinaryOp.Add, (a, b) => a.Add(b)),
        .. Binary("subtract", BinaryOp.Subtract, (a, b) => a.Subtract(b)),
        .. Binary("multiply", BinaryOp.Multiply, (a, b) => a.Multiply(b)),
        .. Binary("divide", BinaryOp.Divide, (a, b) => a.Divide(b), Fill.Positive),
        .. Binary("maximum", BinaryOp.Maximum, (a, b) => a.Maximum(b)),
        .. Binary("minimum", BinaryOp.Minimum, (a, b) => a.Minimum(b)),
        Binary("add", "4096 x 768", BinaryOp.Add, [4096, 768], [4096, 768], (a, b) => a.Add(b))
            with { BenchmarkOnly = true },
        Binary("add", "bias of 768 to 4096 x 768", BinaryOp.Add, [4096, 768], [768], (a, b) => a.Add(b))
            with { BenchmarkOnly = true },

        Notation("a + 2, 2 + a", x => x[0] + 2 + (2 + x[0]), (a, b) => 2 * a + 4),
        Notation("a - 2, 2 - a, -a", x => (x[0] - 2) * (2 - x[0]) * -x[0], (a, b) => (a - 2) * (2 - a) * -a),
        Notation("a b, 3 a, a 3", x => x[0] * x[1] + 3 * x[0] + x[0] * 3, (a, b) => a * b + 6 * a),
        Notation("a / b, 3 / b, a / 4", x => x[0] / x[1] - 3 / x[1] + x[0] / 4, (a, b) => a / b - 3 / b + a / 4),
    ];

    static IEnumerable<OpCase> Unary(
        string family, UnaryOp op, Func<Tensor, Tensor> run, float parameter = 0, Fill fill = Fill.Signed) =>
        ((Shape[])[[1], [3, 5], [2, 3, 7, 5], [0, 3]]).Select(shape =>
            Unary(family, $"{shape}", op, shape, run, parameter, fill));

    static OpCase Unary(
        string family, string name, UnaryOp op, Shape shape, Func<Tensor, Tensor> run, float parameter = 0,
        Fill fill = Fill.Signed) => new(
        family, name, [new("x", shape, fill)],
        x => run(x[0]),
        x => [.. x[0].Select(v => ElementWiseNaive.Value(op, v, parameter))],
        Terms: 4);

    static OpCase Clamp(Shape shape) => new(
        "clamp", $"{shape}", [new("x", shape)],
        x => x[0].Clamp(-0.5f, 0.25f),
        x => [.. x[0].Select(v => Math.Clamp(v, -0.5, 0.25))]);

    /// <summary>About half of the channels stay as they are.</summary>
    static OpCase BezierCurves(Shape shape) => new(
        "bezier curves", $"{shape}", [new("x", shape, Differentiated: false), new("points", [shape[^1], 4], Differentiated: false)],
        x => x[0].BezierCurves(x[1]),
        x =>
        {
            double[] y = new double[x[0].Length];
            ElementWiseNaive.BezierCurves<double>(shape[^1], x[0], x[1], y);
            return y;
        });

    static OpCase Affine(Shape shape) => new(
        "affine", $"{shape}", [new("x", shape)],
        x => x[0].Affine(-3, 0.5f),
        x => [.. x[0].Select(v => -3 * v + 0.5)]);

    /// <summary>
    /// Same shapes, trailing axes, channel masks, one per row, single numbers; the repeating operand on either side.
    /// </summary>
    static IEnumerable<OpCase> Binary(
        string family, BinaryOp op, Func<Tensor, Tensor, Tensor> run, Fill fill = Fill.Signed)
    {
        (Shape A, Shape B)[] shapes =
        [
            ([], []), ([1], [1]), ([3, 5], [3, 5]), ([2, 3, 7, 5], [2, 3, 7, 5]), ([70, 1], [1]), ([70, 3], [3]),
            ([2, 9, 4, 16], [16]),
            ([3, 40, 70], [40, 70]), ([2, 5, 6, 3], [2, 1, 1, 3]), ([2, 30, 65], [2, 1, 65]), ([7, 5], [7, 1]),
            ([3, 4, 70], [3, 4, 1]),
            ([3, 4, 5], []), ([3, 4, 5], [1, 4, 1]), ([2, 3, 4], [1, 1, 1]), ([3], [70, 3]), ([2, 1, 3], [2, 6, 3]),
            ([0, 3], [3]),
        ];
        return shapes.Select(shape => Binary(family, $"{shape.A} and {shape.B}", op, shape.A, shape.B, run, fill));
    }

    static OpCase Binary(
        string family, string name, BinaryOp op, Shape a, Shape b, Func<Tensor, Tensor, Tensor> run,
        Fill fill = Fill.Signed)
    {
        Shape shape = a.Count >= b.Count || a.Count == 0 ? a : b;
        return new OpCase(
            family, name, [new("a", a, fill), new("b", b, fill)],
            x => run(x[0], x[1]),
            x =>
            {
                double[] left = Expanded(x[0], a, shape), right = Expanded(x[1], b, shape);
                return [.. left.Zip(right, (u, v) => ElementWiseNaive.Value(op, u, v))];
            },
            Terms: Math.Max(4, shape.Count / Math.Max(1, Math.Min(a.Count, b.Count))));
    }

    static OpCase Notation(string name, Func<Tensor[], Tensor> run, Func<double, double, double> reference) => new(
        "notation", name, [new("a", [3, 5], Fill.Positive), new("b", [3, 5], Fill.Positive)],
        run, x => [.. x[0].Zip(x[1], reference)],
        Terms: 6);

    /// <summary>The values of a small operand, repeated to the shape of the large one.</summary>
    internal static double[] Expanded(double[] values, Shape small, Shape large)
    {
        double[] expanded = new double[large.Count];
        long[] strides = large.Strides(), own = small.Strides();
        for (long i = 0; i < expanded.Length; i++)
        {
            long place = 0;
            for (int axis = 1; axis <= small.Rank; axis++)
                if (small[^axis] > 1)
                    place += i / strides[^axis] % large[^axis] * own[^axis];
            expanded[i] = values[place];
        }
        return expanded;
    }
}
