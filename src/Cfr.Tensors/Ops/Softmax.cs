using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Softmax along the last axis: y = exp(x) / sum exp(x). x [.., C] -> y [.., C]
///   dx = y (dy - sum(dy y))
/// </summary>
public static class SoftmaxOp
{
    /// <summary>Probabilities along the last axis.</summary>
    public static Tensor Softmax(this Tensor x)
    {
        Expect.Type(nameof(Softmax), nameof(x), x, DType.Float32);
        if (x.Rank == 0) throw Expect.Mismatch(nameof(Softmax), nameof(x), x, "[.., C]");
        Session session = x.Session;
        int width = x.Size(^1);
        long rows = x.Shape[..^1].Count;
        Tensor y = session.Empty(x.Shape);
        session.Device.Softmax.Forward(rows, width, x.View, y.View);
        return y.Record(nameof(Softmax), [x], keep: [y], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(g.OfResult.Shape);
            session.Device.Softmax.Backward(rows, width, g.Kept(0).View, g.OfResult.View, dx.View);
            return dx;
        }));
    }
}
