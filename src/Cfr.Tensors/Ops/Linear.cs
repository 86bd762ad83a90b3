using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Linear: y = act(z) + r, z[.., n] = sum_k x[.., k] w[n, k] + b[n].
///   x [.., K], w [N, K], b [N] or none, r as y or none -> y [.., N]
///   dz = dy act'(z)      dx = dz w      dw = dz^T x      db = column sums of dz      dr = dy
/// </summary>
public static class LinearOp
{
    /// <summary>
    /// x w^T + b, an activation and a residual in the same pass. Where no gradients are wanted it may be put off, for an
    /// attention that then has it stored in the type of products (<see cref="DeferredOperand"/>).
    /// </summary>
    public static Tensor Linear(
        this Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None,
        Tensor? residual = null, bool putOff = false)
    {
        Session session = Session.Common(nameof(Linear), x, weight, bias, residual);
        Expect.Shape(nameof(Linear), nameof(weight), weight, Expect.Any, Expect.Any);
        int n = weight.Size(0), k = weight.Size(1);
        Expect.Trailing(nameof(Linear), nameof(x), x, k);
        if (bias is not null) Expect.Shape(nameof(Linear), nameof(bias), bias, n);
        Shape xShape = x.Shape, yShape = [.. xShape[..^1], n];
        if (residual is not null) Expect.Shape(nameof(Linear), nameof(residual), residual, yShape.AsSpan());
        int rows = checked((int)xShape[..^1].Count);

        bool recorded =
            session.GradEnabled && (x.RequiresGrad || weight.RequiresGrad || bias is { RequiresGrad: true });
        bool isTrained = weight.IsTrained;
        if (putOff && !recorded && activation == Activation.None && residual is null)
        {
            return DeferredOperand.Make(
                session, yShape, [x, weight, bias],
                y => Product(x, weight, isTrained, Matrix.Dense(y, rows, n), new Epilogue(bias?.View ?? default)));
        }
        Tensor y = session.Empty(yShape);
        Tensor? z = recorded && activation != Activation.None ? session.Empty(y.Shape) : null;
        Product(
            x, weight, isTrained, Matrix.Dense(y.View, rows, n),
            new Epilogue(bias?.View ?? default, activation, z?.View ?? default, residual?.View ?? default));
        return y.Record(
            nameof(Linear), [x, weight, bias, residual],
            keep: [weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null, z], backward: g =>
        {
            Tensor dz = g.OfResult;
            if (g.KeptOrNull(2) is { } before)
            {
                dz = session.Empty(before.Shape);
                ActivationGradient(activation, before, g.OfResult, dz);
            }
            g.Add(0, () =>
            {
                Tensor dx = session.Empty(xShape);
                GradientProduct(dz, g.Kept(1), dx);
                return dx;
            });
            AddParameters(g, dz, rows, n, k);
            g.Add(3, g.OfResult);
        });
    }

    /// <summary>y = epilogue(x w^T), the last axes of x and w the sum's.</summary>
    internal static void Product(Tensor x, Tensor weight, bool isTrained, Matrix y, Epilogue epilogue)
    {
        IMatmul kernels = x.Session.Device.Matmul;
        int rows = y.Rows, n = y.Columns, k = weight.Size(1);
        DType type = kernels.TypeOfA(rows, n, k);
        Matrix w = Matrix.Dense(weight.InProduct(type, isTrained), n, k);
        kernels.Multiply(Matrix.Dense(x.In(type).View, rows, k), w.T, y, epilogue: epilogue);
    }

    /// <summary>dx = dz w, in a pass backward.</summary>
    internal static void GradientProduct(Tensor dz, Tensor weight, Tensor dx)
    {
        IMatmul kernels = dz.Session.Device.Matmul;
        int n = weight.Size(0), k = weight.Size(1), rows = (int)(dx.Count / k);
        View w = weight.InProduct(kernels.TypeOfA(rows, k, n), weight.RequiresGrad);
        kernels.Multiply(Matrix.Dense(dz.View, rows, n), Matrix.Dense(w, n, k), Matrix.Dense(dx.View, rows, k));
    }

    /// <summary>dz = dy act'(z); dz may be dy.</summary>
    internal static void ActivationGradient(Activation activation, Tensor z, Tensor dy, Tensor dz) =>
        z.Session.Device.ElementWise.UnaryBackward(
            activation == Activation.Relu ? UnaryOp.Relu : UnaryOp.Gelu, z.View, dy.View, dz.View);

    /// <summary>The gradients of weight and bias, inputs 1 and 2 of the op; x, input 0, is the first thing that it keeps.</summary>
    internal static void AddParameters(Gradient g, Tensor dz, int rows, int n, int k)
    {
        g.Add(1, () => WeightGradient(dz, g.Kept(0), rows, n, k));
        g.Add(2, () => BiasGradient(dz, rows, n));
    }

    /// <summary>dw = dz^T x</summary>
    internal static Tensor WeightGradient(Tensor dz, Tensor x, int rows, int n, int k)
    {
        IMatmul kernels = dz.Session.Device.Matmul;
        Tensor dw = dz.Session.Empty([n, k]);
        kernels.Multiply(
            Matrix.Dense(dz.View, rows, n).T, Matrix.Dense(x.In(kernels.TypeOfA(n, k, rows)).View, rows, k),
            Matrix.Dense(dw.View, n, k));
        return dw;
    }

    /// <summary>Column sums of dz.</summary>
    internal static Tensor BiasGradient(Tensor dz, int rows, int n)
    {
        Tensor db = dz.Session.Empty([n]);
        dz.Session.Device.Reduction.Sum(1, rows, n, dz.View, db.View);
        return db;
    }
}
