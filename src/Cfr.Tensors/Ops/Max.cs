using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Maximum over an axis: y = max over m of x[.., m, ..].   x [A, M, C], axis 1 -> y [A, C]
///   dx = dy where the maximum stood, the first one of equals; else 0
/// </summary>
public static class MaxOps
{
    /// <summary>The largest element along an axis, which vanishes; NaN if there is one.</summary>
    public static Tensor Max(this Tensor x, Index axis)
    {
        var (outer, middle, inner, after) = Split(nameof(Max), x, axis);
        Session session = x.Session;
        Shape before = x.Shape;
        Tensor y = session.Empty(after), index = session.Empty(after, DType.Int32);
        session.Device.Reduction.Max(outer, middle, inner, x.View, y.View, index.View);
        return y.Record(nameof(Max), [x], keep: [index], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(before);
            session.Device.Reduction.MaxBackward(outer, middle, inner, g.OfResult.View, g.Kept(0).View, dx.View);
            return dx;
        }));
    }

    /// <summary>
    /// Where along an axis the largest element stands (int32), the first one of equals; the first NaN if there is one.
    /// </summary>
    public static Tensor ArgMax(this Tensor x, Index axis)
    {
        var (outer, middle, inner, after) = Split(nameof(ArgMax), x, axis);
        Tensor index = x.Session.Empty(after, DType.Int32);
        x.Session.Device.Reduction.ArgMax(outer, middle, inner, x.View, index.View);
        GC.KeepAlive(x);
        return index;
    }

    static (long Outer, long Middle, long Inner, Shape After) Split(string op, Tensor x, Index axis)
    {
        Expect.Type(op, nameof(x), x, DType.Float32);
        int at = AxisSet.Offset(op, x, axis);
        if (x.Size(at) == 0) throw Expect.Mismatch(op, nameof(x), x, $"at least one element along axis {at}");
        Shape before = x.Shape[..at], behind = x.Shape[(at + 1)..];
        return (before.Count, x.Size(at), behind.Count, [.. before, .. behind]);
    }
}
