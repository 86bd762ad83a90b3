using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Axes in another order: axis i of y is axis axes[i] of x.   x [A, B, C], axes (2, 0, 1) -> y [C, A, B]
///   dx = dy with its axes put back
/// </summary>
public static class PermuteOp
{
    /// <summary>The tensor with its axes rearranged.</summary>
    public static Tensor Permute(this Tensor x, params ReadOnlySpan<int> axes)
    {
        int[] order = axes.ToArray(), inverse = new int[order.Length];
        if (!order.Order().SequenceEqual(Enumerable.Range(0, x.Rank)))
            throw new ArgumentException($"Permute: ({string.Join(", ", order)}) is no order of the axes of {x.Shape}");
        for (int i = 0; i < order.Length; i++) inverse[order[i]] = i;
        return Write(x, order).Record(nameof(Permute), [x], keep: [], backward: g =>
            g.Add(0, () => Write(g.OfResult, inverse)));
    }

    static Tensor Write(Tensor x, int[] axes)
    {
        long[] strides = x.Shape.Strides();
        Shape shape = [.. axes.Select(axis => x.Size(axis))];
        Tensor y = x.Session.Empty(shape, x.DType);
        Box.Copy(nameof(Permute), x.Session.Device, shape, x.View, [.. axes.Select(axis => strides[axis])], y.View,
            shape.Strides());
        return y;
    }
}
