using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Functions of one element: y = f(x).   x [..] -> y of the same shape
///   dx = dy f'(x)
/// </summary>
public static class UnaryOps
{
    /// <summary>max(x, 0)</summary>
    public static Tensor Relu(this Tensor x) => Apply(nameof(Relu), UnaryOp.Relu, x);

    /// <summary>x, or <paramref name="slope"/> x where x is negative.</summary>
    public static Tensor LeakyRelu(this Tensor x, float slope = 0.01f) =>
        Apply(nameof(LeakyRelu), UnaryOp.LeakyRelu, x, slope);

    /// <summary>0.5 x (1 + erf(x / sqrt 2)), the exact form.</summary>
    public static Tensor Gelu(this Tensor x) => Apply(nameof(Gelu), UnaryOp.Gelu, x);

    /// <summary>1 / (1 + e^-x)</summary>
    public static Tensor Sigmoid(this Tensor x) => Apply(nameof(Sigmoid), UnaryOp.Sigmoid, x);

    /// <summary>tanh x</summary>
    public static Tensor Tanh(this Tensor x) => Apply(nameof(Tanh), UnaryOp.Tanh, x);

    /// <summary>e^x</summary>
    public static Tensor Exp(this Tensor x) => Apply(nameof(Exp), UnaryOp.Exp, x);

    /// <summary>Natural logarithm.</summary>
    public static Tensor Log(this Tensor x) => Apply(nameof(Log), UnaryOp.Log, x);

    /// <summary>Square root.</summary>
    public static Tensor Sqrt(this Tensor x) => Apply(nameof(Sqrt), UnaryOp.Sqrt, x);

    /// <summary>x x</summary>
    public static Tensor Square(this Tensor x) => Apply(nameof(Square), UnaryOp.Square, x);

    /// <summary>Absolute value; its derivative at 0 is 0.</summary>
    public static Tensor Abs(this Tensor x) => Apply(nameof(Abs), UnaryOp.Abs, x);

    /// <summary>1 / x</summary>
    public static Tensor Reciprocal(this Tensor x) => Apply(nameof(Reciprocal), UnaryOp.Reciprocal, x);

    /// <summary>sin x, for |x| up to some thousands.</summary>
    public static Tensor Sin(this Tensor x) => Apply(nameof(Sin), UnaryOp.Sin, x);

    /// <summary>cos x, for |x| up to some thousands.</summary>
    public static Tensor Cos(this Tensor x) => Apply(nameof(Cos), UnaryOp.Cos, x);

    static Tensor Apply(string name, UnaryOp op, Tensor x, float parameter = 0)
    {
        Expect.Type(name, nameof(x), x, DType.Float32);
        Session session = x.Session;
        Tensor y = session.Empty(x.Shape);
        session.Device.ElementWise.Unary(op, x.View, y.View, parameter);
        return y.Record(name, [x], keep: [x], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(g.OfResult.Shape);
            session.Device.ElementWise.UnaryBackward(op, g.Kept(0).View, g.OfResult.View, dx.View, parameter);
            return dx;
        }));
    }
}
