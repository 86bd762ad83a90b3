using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class MlpCases
{
    public static IEnumerable<OpCase> All =>
    [
        One([3], 5, 7, 4, Activation.Gelu), One([2, 9], 16, 64, 16, Activation.Gelu, hasResidual: true),
        One([5], 8, 33, 9, Activation.Relu, hasBias: false), One([2, 3], 6, 10, 12, Activation.None),
        One([0], 4, 3, 2, Activation.Gelu),
        One([4096], 768, 3072, 768, Activation.Gelu, hasResidual: true) with
        {
            Name = "4096 x 768 by 3072, GELU, residual",
            BenchmarkOnly = true,
        },
    ];

    static OpCase One(
        Shape leading, int k, int inner, int n, Activation activation, bool hasBias = true, bool hasResidual = false)
    {
        int rows = (int)leading.Count;
        Shape x = [.. leading, k], y = [.. leading, n];
        List<Input> inputs = [new("x", x), new("weight1", [inner, k]), new("weight2", [n, inner])];
        if (hasBias) inputs.AddRange([new Input("bias1", [inner]), new Input("bias2", [n])]);
        if (hasResidual) inputs.Add(new Input("residual", y));
        string name = $"{x} by {inner} to {y}{(hasBias ? "" : ", no bias")}, {activation}{(hasResidual ? ", residual" : "")}";
        return new OpCase(
            "mlp", name, [.. inputs],
            t => t[0].Mlp(
                t[1], hasBias ? t[3] : null, activation, t[2], hasBias ? t[4] : null, hasResidual ? t[^1] : null),
            t =>
            {
                double[] hidden = new double[rows * inner], result = new double[rows * n];
                Linear(t[0], k, t[1], hasBias ? t[3] : [], activation, [], hidden);
                Linear(hidden, inner, t[2], hasBias ? t[4] : [], Activation.None, hasResidual ? t[^1] : [], result);
                return result;
            },
            Terms: Math.Max(k + inner, Math.Max(n, rows)))
        {
            Flop = 2.0 * rows * inner * (k + n),
        };

        void Linear(double[] from, int width, double[] w, double[] bias, Activation act, double[] residual, double[] to)
        {
            int columns = w.Length / width;
            MatmulNaive.Multiply<double>(
                Matrix.Dense(default, rows, width), from, Matrix.Dense(default, columns, width).T, w,
                Matrix.Dense(default, rows, columns), to, 1, bias, act, [], residual, false);
        }
    }
}
