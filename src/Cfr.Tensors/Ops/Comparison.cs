using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>Masks of 1 and 0. No gradient flows through them.</summary>
public static class ComparisonOps
{
    /// <summary>1 where a &gt; b, else 0; b may repeat along a.</summary>
    public static Tensor Greater(this Tensor a, Tensor b)
    {
        Session session = Session.Common(nameof(Greater), a, b);
        Expect.Type(nameof(Greater), nameof(a), a, DType.Float32);
        Expect.Type(nameof(Greater), nameof(b), b, DType.Float32);
        if (Repetition.Of(a.Shape, b.Shape) is not { } broadcast)
            throw Expect.Mismatch(nameof(Greater), nameof(b), b, $"{a.Shape}, or a shape that repeats along it");
        Tensor y = session.Empty(a.Shape);
        session.Device.ElementWise.Binary(BinaryOp.Greater, broadcast, a.View, b.View, y.View);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return y;
    }

    /// <summary>1 where a is larger than the number, else 0.</summary>
    public static Tensor Greater(this Tensor a, float b) => a.Greater(a.Session.Full([], b));

    /// <summary>1 where the labels (int32) equal the value, else 0.</summary>
    public static Tensor EqualTo(this Tensor labels, int value)
    {
        Expect.Type(nameof(EqualTo), nameof(labels), labels, DType.Int32);
        Tensor y = labels.Session.Empty(labels.Shape);
        labels.Session.Device.ElementWise.EqualTo(labels.View, value, y.View);
        GC.KeepAlive(labels);
        return y;
    }
}
