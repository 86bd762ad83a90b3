using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A map of values for each channel: y[.., c] = curve c of x[.., c], a <see cref="BezierCurve"/>. No gradient flows through it.
/// </summary>
public static class BezierCurvesOp
{
    /// <summary>x <c>[.., C]</c> through the curves of <c>points [C, 4]</c>: x1, y1, x2, y2; as it is where x1 is negative.</summary>
    public static Tensor BezierCurves(this Tensor x, Tensor points)
    {
        Session session = Session.Common(nameof(BezierCurves), x, points);
        Expect.Trailing(nameof(BezierCurves), nameof(x), x, Expect.Any);
        Expect.Shape(nameof(BezierCurves), nameof(points), points, x.Size(^1), 4);
        Tensor y = session.Empty(x.Shape);
        session.Device.ElementWise.BezierCurves(
            x.Shape[..^1].Count, x.Size(^1), x.View, points.View, y.View);
        GC.KeepAlive(x);
        GC.KeepAlive(points);
        return y;
    }
}
