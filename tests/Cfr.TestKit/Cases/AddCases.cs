using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class AddCases
{
    public static IEnumerable<OpCase> All =>
    [
        Sum([1]), Sum([3, 5]), Sum([2, 3, 7, 5]), Sum([4096, 768]) with { BenchmarkOnly = true },
    ];

    static OpCase Sum(Shape shape) => new(
        "add", $"{shape}", [new("a", shape), new("b", shape)],
        x => x[0].Add(x[1]),
        x => [.. x[0].Zip(x[1], (a, b) => a + b)]);
}
