using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Repetition written out: y[.., i, ..] = x[.., 0, ..] along axes of size 1 and along missing leading axes.
///   x [..] -> y [shape]
///   dx = sum of dy over those axes
/// </summary>
public static class ExpandOp
{
    /// <summary>This tensor repeated to the given shape.</summary>
    public static Tensor Expand(this Tensor x, Shape shape)
    {
        if (!Repetition.Fits(shape, x.Shape))
            throw Expect.Mismatch(nameof(Expand), nameof(x), x, $"a shape that repeats along {shape}");
        Shape before = x.Shape;
        return Write(x, shape).Record(nameof(Expand), [x], keep: [], backward: g =>
            g.Add(0, () => Repetition.Sum(g.OfResult, before)));
    }

    internal static Tensor Write(Tensor x, Shape shape)
    {
        long[] source = new long[shape.Rank], own = x.Shape.Strides();
        int missing = shape.Rank - x.Rank;
        for (int axis = missing; axis < shape.Rank; axis++)
            source[axis] = x.Shape[axis - missing] == 1 ? 0 : own[axis - missing];
        Tensor y = x.Session.Empty(shape, x.DType);
        Box.Copy(nameof(Expand), x.Session.Device, shape, x.View, source, y.View, shape.Strides());
        return y;
    }
}
