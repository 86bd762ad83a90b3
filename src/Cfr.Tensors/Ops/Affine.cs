using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// y = scale x + shift with two numbers.   x [..] -> y of the same shape
///   dx = scale dy
/// </summary>
public static class AffineOp
{
    /// <summary>scale x + shift, element by element.</summary>
    public static Tensor Affine(this Tensor x, float scale, float shift = 0)
    {
        Expect.Type(nameof(Affine), nameof(x), x, DType.Float32);
        Session session = x.Session;
        Tensor y = session.Empty(x.Shape);
        session.Device.ElementWise.Affine(x.View, scale, shift, y.View);
        return y.Record(nameof(Affine), [x], keep: [], backward: g => g.Add(0, () => g.OfResult.Affine(scale)));
    }
}
