using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Two linear layers: y = act(z) w2^T + b2 + r, z = x w1^T + b1.
///   x [.., K], w1 [H, K], b1 [H] or none, w2 [N, H], b2 [N] or none, r as y or none -> y [.., N]
///   dh = dy w2   dz = dh act'(z)   dx = dz w1   dw2 = dy^T h   dw1 = dz^T x   db = column sums   dr = dy   (h = act(z))
/// What is between them is seen by nobody else, and so has the type in which the second product takes it: in bfloat16 half
/// the bytes, and no pass that converts it.
/// </summary>
public static class MlpOp
{
    /// <summary>act(x w1^T + b1) w2^T + b2 + residual</summary>
    public static Tensor Mlp(
        this Tensor x, Tensor weight1, Tensor? bias1, Activation activation, Tensor weight2, Tensor? bias2 = null,
        Tensor? residual = null)
    {
        const string Op = nameof(Mlp);
        Session session = Session.Common(Op, x, weight1, bias1, weight2, bias2, residual);
        Expect.Shape(Op, nameof(weight1), weight1, Expect.Any, Expect.Any);
        int inner = weight1.Size(0), k = weight1.Size(1);
        Expect.Shape(Op, nameof(weight2), weight2, Expect.Any, inner);
        int n = weight2.Size(0);
        Expect.Trailing(Op, nameof(x), x, k);
        if (bias1 is not null) Expect.Shape(Op, nameof(bias1), bias1, inner);
        if (bias2 is not null) Expect.Shape(Op, nameof(bias2), bias2, n);
        Shape xShape = x.Shape, yShape = [.. xShape[..^1], n];
        if (residual is not null) Expect.Shape(Op, nameof(residual), residual, yShape.AsSpan());
        int rows = checked((int)xShape[..^1].Count);
        IMatmul kernels = session.Device.Matmul;

        bool trainsFirst = x.RequiresGrad || weight1.RequiresGrad || bias1 is { RequiresGrad: true };
        Tensor y = session.Empty(yShape), h = session.Empty([rows, inner], kernels.TypeOfA(rows, n, inner));
        Tensor? z = session.GradEnabled && trainsFirst && activation != Activation.None ? session.Empty([rows, inner]) : null;
        LinearOp.Product(
            x, weight1, weight1.IsTrained, Matrix.Dense(h.View, rows, inner),
            new Epilogue(bias1?.View ?? default, activation, z?.View ?? default));
        LinearOp.Product(
            h, weight2, weight2.IsTrained, Matrix.Dense(y.View, rows, n),
            new Epilogue(bias2?.View ?? default, Residual: residual?.View ?? default));
        return y.Record(
            Op, [x, weight1, bias1, weight2, bias2, residual],
            keep:
            [
                weight1.RequiresGrad ? x : null, x.RequiresGrad ? weight1 : null, z,
                trainsFirst ? weight2 : null, weight2.RequiresGrad ? h : null,
            ],
            backward: g =>
        {
            Tensor dy = g.OfResult;
            if (trainsFirst)
            {
                Tensor dz = session.Empty([rows, inner]);
                LinearOp.GradientProduct(dy, g.Kept(3), dz);
                if (g.KeptOrNull(2) is { } before) LinearOp.ActivationGradient(activation, before, dz, dz);
                g.Add(0, () =>
                {
                    Tensor dx = session.Empty(xShape);
                    LinearOp.GradientProduct(dz, g.Kept(1), dx);
                    return dx;
                });
                g.Add(1, () => LinearOp.WeightGradient(dz, g.Kept(0), rows, inner, k));
                g.Add(2, () => LinearOp.BiasGradient(dz, rows, inner));
            }
            g.Add(3, () => LinearOp.WeightGradient(dy, g.Kept(4), rows, n, inner));
            g.Add(4, () => LinearOp.BiasGradient(dy, rows, n));
            g.Add(5, dy);
        });
    }
}
