using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Tensors one behind the other along an axis.   x1 [A, B1, C], x2 [A, B2, C], .., axis 1 -> y [A, B1 + B2 + .., C]
///   dx1, dx2, .. = the parts of dy
/// </summary>
public static class ConcatOp
{
    /// <summary>This tensor and the others along an axis; all other axes must agree.</summary>
    public static Tensor Concat(this Tensor first, Index axis, params ReadOnlySpan<Tensor> others)
    {
        Tensor[] parts = [first, .. others];
        int at = AxisSet.Offset(nameof(Concat), first, axis), total = 0;
        foreach (Tensor part in parts)
        {
            Session.Common(nameof(Concat), first, part);
            Expect.Type(nameof(Concat), "operand", part, first.DType);
            bool fits = part.Rank == first.Rank && part.Shape.With(at, 0) == first.Shape.With(at, 0);
            if (!fits) throw Expect.Mismatch(nameof(Concat), "operand", part, $"{first.Shape} but for axis {at}");
            total = checked(total + part.Size(at));
        }
        Session session = first.Session;
        Shape shape = first.Shape.With(at, total);
        Shape[] shapes = [.. parts.Select(part => part.Shape)];
        long[] strides = shape.Strides(), starts = new long[parts.Length];
        for (int i = 1; i < parts.Length; i++) starts[i] = starts[i - 1] + shapes[i - 1][at] * strides[at];

        Tensor y = session.Empty(shape, first.DType);
        for (int i = 0; i < parts.Length; i++)
            Box.Copy(nameof(Concat), session.Device, shapes[i], parts[i].View, shapes[i].Strides(),
                y.View.Slice(starts[i]), strides);
        return y.Record(nameof(Concat), parts, keep: [], backward: g =>
        {
            for (int i = 0; i < shapes.Length; i++)
            {
                if (!g.Wants(i)) continue;
                Tensor dx = session.Empty(shapes[i]);
                Box.Copy(
                    nameof(Concat), session.Device, shapes[i], g.OfResult.View.Slice(starts[i]), strides, dx.View,
                    shapes[i].Strides());
                g.Add(i, dx);
            }
        });
    }
}
