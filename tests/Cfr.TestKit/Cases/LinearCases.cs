using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class LinearCases
{
    public static IEnumerable<OpCase> All =>
    [
        One([1], 1, 1), One([3], 5, 7, hasBias: false), One([2, 3], 16, 17), One([5], 40, 33, Activation.Relu),
        One([2, 9], 24, 31, Activation.Gelu), One([4, 5], 70, 4, Activation.None, hasBias: false), One([1, 1, 7], 9, 50, Activation.Gelu),
        One([13], 8, 19, Activation.None, hasResidual: true), One([3, 4], 33, 6, Activation.Gelu, hasResidual: true),
        One([11], 300, 20), One([0], 4, 3), One([6], 2, 90, Activation.Relu, hasBias: false, hasResidual: true),
        One([4096], 768, 2304) with { Name = "4096 x 768 to 2304", BenchmarkOnly = true },
        One([4096], 768, 3072, Activation.Gelu) with { Name = "4096 x 768 to 3072, GELU", BenchmarkOnly = true },
        One([4096], 3072, 768, hasResidual: true) with { Name = "4096 x 3072 to 768, residual", BenchmarkOnly = true },
        One([7], 256, 2048, Activation.Relu) with { Name = "7 x 256 to 2048, ReLU", BenchmarkOnly = true },
    ];

    static OpCase One(
        Shape leading, int k, int n, Activation activation = Activation.None, bool hasBias = true, bool hasResidual = false)
    {
        int rows = (int)leading.Count;
        Shape x = [.. leading, k], y = [.. leading, n];
        List<Input> inputs = [new("x", x), new("weight", [n, k])];
        if (hasBias) inputs.Add(new Input("bias", [n]));
        if (hasResidual) inputs.Add(new Input("residual", y));
        string name = $"{x} to {y}{(hasBias ? "" : ", no bias")}, {activation}{(hasResidual ? ", residual" : "")}";
        return new OpCase(
            "linear", name, [.. inputs],
            t => t[0].Linear(t[1], hasBias ? t[2] : null, activation, hasResidual ? t[^1] : null),
            t =>
            {
                double[] result = new double[rows * n];
                MatmulNaive.Multiply<double>(
                    Matrix.Dense(default, rows, k), t[0], Matrix.Dense(default, n, k).T, t[1], Matrix.Dense(default, rows, n),
                    result, 1, hasBias ? t[2] : [], activation, [], hasResidual ? t[^1] : [], false);
                return result;
            },
            Terms: Math.Max(k, Math.Max(rows, n)))
        {
            Flop = 2.0 * rows * n * k,
        };
    }
}
