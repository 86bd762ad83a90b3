using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class LowRankCases
{
    public static IEnumerable<OpCase> All =>
    [
        One([3], 5, 7, true, (0, 7, 1)), One([2, 9], 16, 12, true, (0, 4, 2), (8, 4, 2)), One([5], 40, 33, false, (2, 20, 3)),
        One([1, 4, 5], 33, 9, true, (3, 3, 4), (0, 3, 1), (6, 3, 2)), One([0], 4, 6, true, (0, 2, 1)), One([70], 24, 48, true, (0, 16, 4), (32, 16, 4)),
        One([4900], 768, 2304, true, (0, 768, 4), (1536, 768, 4)) with { Name = "4900 x 768 to 2304, rank 4 on two thirds", BenchmarkOnly = true },
    ];

    static OpCase One(Shape leading, int k, int n, bool hasBias, params (int First, int Outputs, int Rank)[] parts)
    {
        int rows = (int)leading.Count, offset = hasBias ? 3 : 2, count = parts.Length;
        List<Input> inputs = [new("x", [.. leading, k]), new("weight", [n, k])];
        if (hasBias) inputs.Add(new Input("bias", [n]));
        inputs.AddRange(parts.Select((part, p) => new Input($"a{p}", [part.Rank, k])));
        inputs.AddRange(parts.Select((part, p) => new Input($"b{p}", [part.Outputs, part.Rank])));
        return new OpCase(
            "low rank", $"{leading} x {k} to {n}{(hasBias ? "" : ", no bias")}, outputs, rank {string.Join(" ", parts)}", [.. inputs],
            t => t[0].LowRankLinear(t[1], hasBias ? t[2] : null,
                [.. parts.Select((part, p) => new LowRankPart(part.First, t[offset + p], t[offset + count + p]))]),
            t =>
            {
                double[] y = new double[rows * n];
                for (int row = 0; row < rows; row++)
                {
                    for (int i = 0; i < n; i++)
                        y[row * n + i] = Dot(t[0], row, t[1], i, k) + (hasBias ? t[2][i] : 0);
                    for (int p = 0; p < count; p++)
                        for (int i = 0; i < parts[p].Outputs; i++)
                            for (int r = 0; r < parts[p].Rank; r++)
                                y[row * n + parts[p].First + i] +=
                                    Dot(t[0], row, t[offset + p], r, k) * t[offset + count + p][i * parts[p].Rank + r];
                }
                return y;
            },
            Terms: Math.Max(rows, Math.Max(n, k * parts.Max(part => part.Rank))))
        {
            Flop = 2.0 * rows * n * k,
        };
    }

    static double Dot(double[] a, int rowOfA, double[] b, int rowOfB, int k)
    {
        double sum = 0;
        for (int i = 0; i < k; i++) sum += a[rowOfA * k + i] * b[rowOfB * k + i];
        return sum;
    }
}
