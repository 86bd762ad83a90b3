using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class MatmulCases
{
    public static IEnumerable<OpCase> All =>
    [
        One([], 1, 1, 1), One([], 3, 5, 7), One([], 17, 33, 40, transposeB: true), One([], 13, 16, 9, transposeA: true),
        One([], 6, 31, 70, transposeA: true, transposeB: true), One([], 5, 0, 4), One([], 70, 300, 50),
        One([], 40, 64, 4), One([], 40, 64, 4, transposeB: true), One([], 4, 70, 37), One([], 4, 70, 37, transposeA: true),
        One([3], 2, 4, 5), One([2, 3], 7, 16, 9, transposeB: true), One([2], 9, 11, 8, transposeA: true),
        One([3], 4, 5, 6, shared: true), One([2, 2], 5, 9, 3, transposeB: true, shared: true),
        One([3], 4, 5, 6, transposeA: true, shared: true), One([0], 2, 3, 4, shared: true),
        One([], 768, 768, 768) with { Name = "768x768x768", BenchmarkOnly = true },
        One([], 3072, 768, 3072) with { Name = "3072x3072x768", BenchmarkOnly = true },
        One([], 1536, 3072, 768, transposeB: true) with { Name = "1536x768x3072", BenchmarkOnly = true },
        One([], 4096, 768, 4, transposeB: true) with { Name = "4096x4x768", BenchmarkOnly = true },
        One([12], 196, 64, 196, transposeB: true) with { Name = "12 of 196x196x64", BenchmarkOnly = true },
    ];

    static OpCase One(
        Shape leading, int m, int k, int n, bool transposeA = false, bool transposeB = false, bool shared = false)
    {
        int batch = (int)leading.Count;
        Shape a = [.. leading, transposeA ? k : m, transposeA ? m : k];
        Shape b = [.. shared ? [] : leading, transposeB ? n : k, transposeB ? k : n];
        string name = $"{a} {(transposeA ? "transposed " : "")}x {b}{(transposeB ? " transposed" : "")}";
        return new OpCase(
            "matmul", name, [new Input("a", a), new Input("b", b)],
            x => x[0].Matmul(x[1], transposeA, transposeB),
            x =>
            {
                double[] c = new double[batch * m * n];
                Matrix left = transposeA ? Matrix.Dense(default, k, m).T : Matrix.Dense(default, m, k);
                Matrix right = transposeB ? Matrix.Dense(default, n, k).T : Matrix.Dense(default, k, n);
                if (shared) right = right with { BatchStride = 0 };
                MatmulNaive.Multiply<double>(
                    left, x[0], right, x[1], Matrix.Dense(default, m, n), c, batch, [], Activation.None, [], [], false);
                return c;
            },
            Terms: Math.Max(k, Math.Max(m * batch, n)))
        {
            Flop = 2.0 * batch * m * n * k,
        };
    }
}
