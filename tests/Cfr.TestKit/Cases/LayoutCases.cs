using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class LayoutCases
{
    public static IEnumerable<OpCase> All =>
    [
        Permute([5], [0]), Permute([3, 5], [1, 0]), Permute([2, 3, 4], [0, 2, 1]), Permute([2, 5, 3, 4], [0, 2, 1, 3]),
        Permute([2, 3, 4, 5, 2], [4, 2, 0, 3, 1]), Permute([1, 70, 33], [0, 2, 1]), Permute([1, 4, 5, 3], [0, 3, 1, 2]),
        Slice([5], 0, 1, 3), Slice([3, 5], 0, 1, 2), Slice([3, 5], 1, 2, 2), Slice([2, 7, 5], 1, 0, 3),
        Slice([2, 7, 5], 2, 4, 1),
        Slice([1, 7, 5], 1, 2, 3), Slice([3, 5], 1, 2, 0),
        Concat(0, [2, 3], [1, 3]), Concat(1, [2, 3], [2, 1], [2, 4]), Concat(1, [2, 3, 5], [2, 0, 5], [2, 2, 5]),
        Concat(2, [3, 20, 16], [3, 20, 33]),
        Pad([3], (1, 2)), Pad([3, 4], (0, 0), (2, 1)), Pad([2, 3, 4, 2], (0, 1), (1, 1), (2, 0), (0, 0)),
        Flip([5], 0), Flip([3, 5], 0), Flip([3, 5], 1), Flip([2, 3, 4, 5], 1, 3),
        Expand([1], [7]), Expand([3], [5, 3]), Expand([3, 1], [3, 70]), Expand([2, 1, 3, 1, 2], [2, 4, 3, 5, 2]),
        Expand([], [3, 2]),
        Gather([7, 5], [3]), Gather([7], [2, 40]), Gather([3, 2, 70], [4, 2]), Gather([5, 3], [0]),
        Permute([4096, 12, 64], [1, 0, 2]) with { Name = "12 heads of 4096 x 64", BenchmarkOnly = true },
        Permute([4096, 768], [1, 0]) with { Name = "4096 x 768 transposed", BenchmarkOnly = true },
        Concat(4, [1, 56, 56, 40, 32], [1, 56, 56, 40, 32])
            with { Name = "32 and 32 channels at 56x56x40", BenchmarkOnly = true },
    ];

    static OpCase Permute(Shape shape, int[] axes) => new(
        "permute", $"{shape} to ({string.Join(", ", axes)})", [new("x", shape)],
        x => x[0].Permute(axes),
        x =>
        {
            long[] strides = shape.Strides();
            Shape after = [.. axes.Select(axis => shape[axis])];
            return Copied(after, x[0], [.. axes.Select(axis => strides[axis])]);
        });

    static OpCase Slice(Shape shape, int axis, int start, int count) => new(
        "slice", $"{shape} axis {axis} from {start}, {count}", [new("x", shape)],
        x => x[0].Slice(axis, start, count),
        x => Copied(shape.With(axis, count), x[0], shape.Strides(), start * shape.Stride(axis)));

    static OpCase Concat(int axis, params Shape[] shapes) => new(
        "concat", $"{string.Join(" and ", shapes)} along {axis}",
        [.. shapes.Select((shape, i) => new Input($"x{i}", shape))],
        x => x[0].Concat(axis, x[1..]),
        x =>
        {
            Shape first = shapes[0];
            long outer = first[..axis].Count, inner = first[(axis + 1)..].Count;
            return
            [
                .. Enumerable.Range(0, (int)outer).SelectMany(o => shapes.Zip(x, (shape, values) =>
                {
                    int run = (int)(shape[axis] * inner);
                    return values.AsSpan(o * run, run).ToArray();
                }).SelectMany(part => part)),
            ];
        });

    static OpCase Pad(Shape shape, params (int Before, int After)[] widths) => new(
        "pad", $"{shape} by {string.Join(" ", widths)}", [new("x", shape)],
        x => x[0].Pad(widths, -2),
        x =>
        {
            Shape after = [.. shape.Select((size, axis) => widths[axis].Before + size + widths[axis].After)];
            double[] y = new double[after.Count];
            Array.Fill(y, -2);
            long start = widths.Select((width, axis) => width.Before * after.Stride(axis)).Sum();
            LayoutNaive.Copy<double>(Box(shape, shape.Strides(), after.Strides()), x[0], y, to: (int)start);
            return y;
        });

    static OpCase Flip(Shape shape, params int[] axes) => new(
        "flip", $"{shape} along ({string.Join(", ", axes)})", [new("x", shape)],
        x => x[0].Flip([.. axes.Select(axis => (Index)axis)]),
        x =>
        {
            long[] strides = shape.Strides();
            long start = axes.Sum(axis => (shape[axis] - 1) * strides[axis]);
            foreach (int axis in axes) strides[axis] = -strides[axis];
            return Copied(shape, x[0], strides, start);
        });

    static OpCase Expand(Shape small, Shape large) => new(
        "expand", $"{small} to {large}", [new("x", small)],
        x => x[0].Expand(large),
        x => ElementWiseCases.Expanded(x[0], small, large),
        Terms: large.Count / (double)small.Count);

    static OpCase Gather(Shape table, Shape index) => new(
        "gather", $"{index} of {table}", [new("table", table), Input.Index("index", index, table[0])],
        x => x[0].Gather(x[1]),
        x =>
        {
            int width = (int)table[1..].Count;
            double[] y = new double[index.Count * width];
            LayoutNaive.Gather<double>((int)index.Count, width, x[0], [.. x[1].Select(i => (int)i)], y);
            return y;
        },
        Terms: Math.Max(1, index.Count));

    static double[] Copied(Shape shape, double[] x, long[] strides, long start = 0)
    {
        double[] y = new double[shape.Count];
        LayoutNaive.Copy<double>(Box(shape, strides, shape.Strides()), x, y, from: (int)start);
        return y;
    }

    static StridedCopy Box(Shape shape, long[] source, long[] target) =>
        StridedCopy.Along([.. shape.Select(size => (long)size)], source, target);
}
