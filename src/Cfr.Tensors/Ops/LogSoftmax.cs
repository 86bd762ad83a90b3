using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Logarithm of softmax along the last axis: y = x - log sum exp(x). x [.., C] -> y [.., C]
///   dx = dy - exp(y) sum(dy)
/// </summary>
public static class LogSoftmaxOp
{
    /// <summary>Log-probabilities along the last axis.</summary>
    public static Tensor LogSoftmax(this Tensor x)
    {
        Expect.Type(nameof(LogSoftmax), nameof(x), x, DType.Float32);
        if (x.Rank == 0) throw Expect.Mismatch(nameof(LogSoftmax), nameof(x), x, "[.., C]");
        Session session = x.Session;
        int width = x.Size(^1);
        long rows = x.Shape[..^1].Count;
        Tensor y = session.Empty(x.Shape);
        session.Device.Softmax.LogForward(rows, width, x.View, y.View);
        return y.Record(nameof(LogSoftmax), [x], keep: [y], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(g.OfResult.Shape);
            session.Device.Softmax.LogBackward(rows, width, g.Kept(0).View, g.OfResult.View, dx.View);
            return dx;
        }));
    }
}
