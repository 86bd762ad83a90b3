using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class ReductionCases
{
    public static IEnumerable<OpCase> All =>
    [
        .. Summed().SelectMany(one => (OpCase[])[Sum(one.Shape, one.Axes), Mean(one.Shape, one.Axes)]),
        Max([1], 0), Max([5], 0), Max([3, 4], 0), Max([3, 4], 1), Max([2, 70, 3], 1), Max([2, 3, 40], 2),
        Max([4, 5, 6], 0),
        ArgMax([1], 0), ArgMax([9, 2], 1), ArgMax([9, 14], 1), ArgMax([2, 70, 3], 1), ArgMax([2, 3, 40], 2),
        ArgMax([4, 5, 6], 0),
        Sum([4096, 768], [0]) with { Name = "columns of 4096 x 768", BenchmarkOnly = true },
        Sum([4096, 768], [1]) with { Name = "rows of 4096 x 768", BenchmarkOnly = true },
        Sum([112 * 112 * 80, 16], [0]) with { Name = "16 channels at 112x112x80", BenchmarkOnly = true },
        ArgMax([112 * 112 * 80, 2], 1) with { Name = "2 classes at 112x112x80", BenchmarkOnly = true },
    ];

    static IEnumerable<(Shape Shape, int[] Axes)> Summed() =>
    [
        ([], []), ([1], []), ([70], []), ([3, 5], []), ([3, 5], [0]), ([3, 5], [1]), ([300, 3], [0]),
        ([9, 5, 4, 3], [0, 1, 2]),
        ([3, 5, 4], [0, 2]), ([2, 3, 4, 5], [0, 2]), ([2, 3, 4, 5], [1, 3]), ([2, 70, 33], [1]), ([0, 3], [0]),
    ];

    static OpCase Sum(Shape shape, int[] axes) =>
        Reduce("sum", shape, axes, x => x.Sum([.. axes.Select(axis => (Index)axis)]), mean: false);

    static OpCase Mean(Shape shape, int[] axes) =>
        shape.Count == 0
            ? Reduce("mean", [2, 3], [1], x => x.Mean(^1), mean: true)
            : Reduce("mean", shape, axes, x => x.Mean([.. axes.Select(axis => (Index)axis)]), mean: true);

    static OpCase Reduce(string family, Shape shape, int[] axes, Func<Tensor, Tensor> run, bool mean)
    {
        Shape ones = shape, after = [.. shape.Where((_, axis) => axes.Length > 0 && !axes.Contains(axis))];
        foreach (int axis in axes.Length > 0 ? axes : [.. Enumerable.Range(0, shape.Rank)]) ones = ones.With(axis, 1);
        double terms = shape.Count / Math.Max(1, after.Count);
        return new(
            family, $"{shape} over ({string.Join(", ", axes)})", [new("x", shape)],
            x => run(x[0]),
            x =>
            {
                // Each element goes to the sum that repeats to its place.
                double[] sums = new double[after.Count];
                double[] places = ElementWiseCases.Expanded([.. Enumerable.Range(0, sums.Length).Select(i =>
                    (double)i)], ones, shape);
                for (int i = 0; i < x[0].Length; i++) sums[(int)places[i]] += x[0][i] / (mean ? terms : 1);
                return sums;
            },
            Terms: terms);
    }

    static OpCase Max(Shape shape, int axis) => new(
        "max", $"{shape} over {axis}", [new("x", shape)],
        x => x[0].Max(axis),
        x => Largest(shape, axis, x[0]).Values);

    static OpCase ArgMax(Shape shape, int axis) => new(
        "arg-max", $"{shape} over {axis}", [new("x", shape, Differentiated: false)],
        x => x[0].ArgMax(axis),
        x => [.. Largest(shape, axis, x[0]).Index.Select(i => (double)i)]);

    static (double[] Values, int[] Index) Largest(Shape shape, int axis, double[] x)
    {
        int outer = (int)shape[..axis].Count, inner = (int)shape[(axis + 1)..].Count;
        double[] values = new double[outer * inner];
        int[] index = new int[outer * inner];
        ReductionNaive.Max<double>(outer, shape[axis], inner, x, values, index);
        return (values, index);
    }
}
