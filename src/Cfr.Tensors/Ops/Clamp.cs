using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Bounds: y = min(max(x, low), high).   x [..] -> y of the same shape
///   dx = dy where low &lt;= x &lt;= high, else 0
/// </summary>
public static class ClampOp
{
    /// <summary>Every element brought into [low, high].</summary>
    public static Tensor Clamp(this Tensor x, float low, float high)
    {
        Expect.Type(nameof(Clamp), nameof(x), x, DType.Float32);
        Session session = x.Session;
        Tensor y = session.Empty(x.Shape);
        session.Device.ElementWise.Clamp(x.View, low, high, y.View);
        return y.Record(nameof(Clamp), [x], keep: [x], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(g.OfResult.Shape);
            session.Device.ElementWise.ClampBackward(g.Kept(0).View, low, high, g.OfResult.View, dx.View);
            return dx;
        }));
    }
}
