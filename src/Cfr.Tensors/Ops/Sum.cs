using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Sums and means over some axes, or over all: y = s sum x, s = 1 or 1 / (elements summed).
///   x [A, B, C], axis 1 -> y [A, C]
///   dx = s dy, repeated along the axes that were summed
/// </summary>
public static class SumOps
{
    /// <summary>Sum over the given axes, which vanish; over all axes if none is given.</summary>
    public static Tensor Sum(this Tensor x, params ReadOnlySpan<Index> axes) =>
        Reduce(nameof(Sum), x, AxisSet.Of(nameof(Sum), x, axes), scale: 1);

    /// <summary>Mean over the given axes, which vanish; over all axes if none is given.</summary>
    public static Tensor Mean(this Tensor x, params ReadOnlySpan<Index> axes)
    {
        bool[] averaged = AxisSet.Of(nameof(Mean), x, axes);
        long count = 1;
        for (int axis = 0; axis < x.Rank; axis++)
            if (averaged[axis]) count *= x.Shape[axis];
        return Reduce(nameof(Mean), x, averaged, 1f / count);
    }

    /// <summary>The sum times the scale, unrecorded.</summary>
    internal static Tensor OverAxes(Tensor x, bool[] summed, float scale)
    {
        Session session = x.Session;
        Shape shape = x.Shape;
        Tensor sum = x;
        for (int end = x.Rank; end > 0; end--)
        {
            if (!summed[end - 1]) continue;
            int begin = end;
            while (begin > 0 && summed[begin - 1]) begin--;
            bool isLast = Array.IndexOf(summed, true) == begin;
            Shape after = [.. shape[..begin], .. shape[end..]];
            Tensor next = session.Empty(after);
            session.Device.Reduction.Sum(
                shape[..begin].Count, shape[begin..end].Count, shape[end..].Count, sum.View, next.View,
                isLast ? scale : 1);
            (sum, shape, end) = (next, after, begin + 1);
        }
        return sum == x && scale != 1 ? x.Affine(scale) : sum;
    }

    static Tensor Reduce(string op, Tensor x, bool[] summed, float scale)
    {
        Expect.Type(op, nameof(x), x, DType.Float32);
        Shape before = x.Shape, kept = AxisSet.WithOnes(before, summed);
        Tensor y = OverAxes(x, summed, scale);
        if (y == x) y = x.Alias(before);
        return y.Record(op, [x], keep: [], backward: g => g.Add(0, () =>
        {
            Tensor scaled = scale == 1 ? g.OfResult : g.OfResult.Affine(scale);
            return ExpandOp.Write(scaled.Alias(kept), before);
        }));
    }
}
