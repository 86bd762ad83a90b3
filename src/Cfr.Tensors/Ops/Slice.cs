using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A run of an axis: y[.., i, ..] = x[.., start + i, ..].   x [A, B, C], axis 1 -> y [A, count, C]
///   dx = dy there, 0 elsewhere
/// </summary>
public static class SliceOp
{
    /// <summary>
    /// Elements [start, start + count) along an axis. Of the leading axis it is a view of the same memory; of others, a
    /// copy.
    /// </summary>
    public static Tensor Slice(this Tensor x, Index axis, int start, int count)
    {
        int at = AxisSet.Offset(nameof(Slice), x, axis);
        if (start < 0 || count < 0 || count > x.Size(at) - start)
            throw new ArgumentException($"Slice: [{start}, {(long)start + count}) is no part of axis {at} of {x.Shape}");
        Shape before = x.Shape, shape = before.With(at, count);
        long offset = start * before.Stride(at);
        bool isView = before[..at].Count == 1;
        Session session = x.Session;
        Device device = session.Device;
        Tensor y = isView ? x.Alias(shape, offset) : session.Empty(shape, x.DType);
        if (!isView && shape.Count > 0)
            Box.Copy(nameof(Slice), device, shape, x.View.Slice(offset), before.Strides(), y.View, shape.Strides());
        return y.Record(nameof(Slice), [x], keep: [], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Zeros(before);
            if (shape.Count > 0)
                Box.Copy(nameof(Slice), device, shape, g.OfResult.View, shape.Strides(), dx.View.Slice(offset),
                    before.Strides());
            return dx;
        }));
    }
}
