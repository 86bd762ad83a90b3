using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Sum: y = a + b.   a [..] and b of the same shape -> y of that shape
///   da = dy      db = dy
/// </summary>
public static class AddOp
{
    /// <summary>a + b, element by element.</summary>
    public static Tensor Add(this Tensor a, Tensor b)
    {
        Session session = Session.Common(nameof(Add), a, b);
        if (a.Shape != b.Shape) throw Expect.Mismatch(nameof(Add), nameof(b), b, a.Shape.ToString());
        Tensor y = session.Empty(a.Shape);
        session.Device.ElementWise.Binary(BinaryOp.Add, Broadcast.None(a.Count), a.View, b.View, y.View);
        return y.Record(nameof(Add), [a, b], keep: [], backward: g =>
        {
            g.Add(0, g.OfResult);
            g.Add(1, g.OfResult);
        });
    }
}
