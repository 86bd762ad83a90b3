using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Mirroring: y[.., i, ..] = x[.., n - 1 - i, ..] along the given axes.   x [..] -> y of the same shape
///   dx = dy mirrored
/// </summary>
public static class FlipOp
{
    /// <summary>The tensor with the order reversed along the given axes.</summary>
    public static Tensor Flip(this Tensor x, params ReadOnlySpan<Index> axes)
    {
        bool[] mirrored = axes.IsEmpty ? new bool[x.Rank] : AxisSet.Of(nameof(Flip), x, axes);
        return Write(x, mirrored).Record(nameof(Flip), [x], keep: [], backward: g =>
            g.Add(0, () => Write(g.OfResult, mirrored)));
    }

    static Tensor Write(Tensor x, bool[] mirrored)
    {
        Tensor y = x.Session.Empty(x.Shape, x.DType);
        if (x.Count == 0) return y;
        long[] source = x.Shape.Strides();
        long start = 0;
        for (int axis = 0; axis < source.Length; axis++)
        {
            if (!mirrored[axis]) continue;
            start += (x.Size(axis) - 1) * source[axis];
            source[axis] = -source[axis];
        }
        Box.Copy(nameof(Flip), x.Session.Device, x.Shape, x.View.Slice(start), source, y.View, x.Shape.Strides());
        return y;
    }
}
