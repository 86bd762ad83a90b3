using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A border of one value: y = x inside, value outside.   x [A, B], widths ((1, 2), (0, 3)) -> y [1 + A + 2, 0 + B + 3]
///   dx = dy inside
/// Labels (int32) can have a border, too.
/// </summary>
public static class PadOp
{
    /// <summary>The tensor with a border: for each axis how much before and after it.</summary>
    public static Tensor Pad(this Tensor x, ReadOnlySpan<(int Before, int After)> widths, float value = 0)
    {
        if (widths.Length != x.Rank)
            throw Expect.Mismatch(nameof(Pad), nameof(x), x, $"{widths.Length} axes, one for each pair");
        Session session = x.Session;
        Shape inside = x.Shape, shape = inside;
        for (int axis = 0; axis < widths.Length; axis++)
        {
            var (first, last) = widths[axis];
            if (first < 0 || last < 0)
                throw new ArgumentException($"Pad: axis {axis} has a negative border, ({first}, {last})");
            shape = shape.With(axis, checked(first + inside[axis] + last));
        }
        long start = 0;
        for (int axis = 0; axis < widths.Length; axis++) start += widths[axis].Before * shape.Stride(axis);

        Tensor y = session.Empty(shape, x.DType);
        // Both kinds have 4 bytes, so a label is filled in as the float of the same bits.
        session.Device.ElementWise.Fill(
            y.View, x.DType == DType.Int32 ? BitConverter.Int32BitsToSingle(checked((int)value)) : value);
        if (inside.Count > 0)
            Box.Copy(nameof(Pad), session.Device, inside, x.View, inside.Strides(), y.View.Slice(start),
                shape.Strides());
        return y.Record(nameof(Pad), [x], keep: [], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(inside);
            if (inside.Count > 0)
                Box.Copy(nameof(Pad), session.Device, inside, g.OfResult.View.Slice(start), shape.Strides(), dx.View,
                    inside.Strides());
            return dx;
        }));
    }
}
