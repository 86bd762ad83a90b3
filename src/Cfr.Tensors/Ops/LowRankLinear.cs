using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>A change of rank r to outputs [First, First + n) of a linear layer: y += (x A^T) B^T there.</summary>
/// <param name="First">The first output that it changes.</param>
/// <param name="A">[r, K], K the layer's inputs.</param>
/// <param name="B">[n, r]</param>
public sealed record LowRankPart(int First, Tensor A, Tensor B);

/// <summary>
/// Linear with changes of low rank (LoRA, Hu 2021) to runs of its outputs, the parts p:
///   y = x w^T + b      t_p = x A_p^T      y[.., run of p] += t_p B_p^T
///   x [.., K], w [N, K], b [N] or none, A_p [r_p, K], B_p [n_p, r_p] -> y [.., N]
///   dt_p = dy_p B_p      dx = dy w + sum of dt_p A_p      dA_p = dt_p^T x      dB_p = dy_p^T t_p
///   dw = dy^T x      db = column sums of dy
/// The A of all parts are one matrix, so that x is read once for them. What is kept beyond a linear layer's is t.
/// </summary>
public static class LowRankLinearOp
{
    /// <summary>x w^T + b, and the changes of the parts.</summary>
    public static Tensor LowRankLinear(this Tensor x, Tensor weight, Tensor? bias, IReadOnlyList<LowRankPart> parts)
    {
        const string Op = nameof(LowRankLinear);
        Tensor?[] parameters = [weight, bias, .. parts.Select(part => part.A), .. parts.Select(part => part.B)];
        Session session = Session.Common(Op, x, parameters);
        Expect.Shape(Op, nameof(weight), weight, Expect.Any, Expect.Any);
        int n = weight.Size(0), k = weight.Size(1);
        Expect.Trailing(Op, nameof(x), x, k);
        if (bias is not null) Expect.Shape(Op, nameof(bias), bias, n);
        Run[] runs = Runs(Op, parts, n, k);
        Shape xShape = x.Shape;
        int rows = checked((int)xShape[..^1].Count), ranks = runs.Sum(run => run.Rank), count = parts.Count;
        IMatmul kernels = session.Device.Matmul;

        Tensor y = session.Empty([.. xShape[..^1], n]), t = session.Empty([rows, ranks]);
        Tensor a = Stack(session, parts, ranks, k);
        Matrix xRows = Matrix.Dense(x.View, rows, k), aRows = Matrix.Dense(a.View, ranks, k);
        LinearOp.Product(
            x, weight, weight.IsTrained, Matrix.Dense(y.View, rows, n), new Epilogue(bias?.View ?? default));
        kernels.Multiply(xRows, aRows.T, Matrix.Dense(t.View, rows, ranks));
        for (int p = 0; p < count; p++)
            kernels.Multiply(
                runs[p].OfRanks(t, rows), runs[p].B(parts[p].B).T, runs[p].OfOutputs(y, rows),
                epilogue: new Epilogue(Accumulate: true));

        bool trainsA = parts.Any(part => part.A.RequiresGrad), trainsB = parts.Any(part => part.B.RequiresGrad);
        return y.Record(
            Op, [x, .. parameters],
            keep:
            [
                weight.RequiresGrad || trainsA ? x : null, x.RequiresGrad ? weight : null, x.RequiresGrad ? a : null,
                trainsB ? t : null, .. parts.Select(part => part.B),
            ],
            backward: g =>
        {
            Tensor dy = g.OfResult, dt = session.Empty([rows, ranks]);
            Matrix dyRows = Matrix.Dense(dy.View, rows, n), dtRows = Matrix.Dense(dt.View, rows, ranks);
            for (int p = 0; p < count; p++)
                kernels.Multiply(runs[p].OfOutputs(dy, rows), runs[p].B(g.Kept(4 + p)), runs[p].OfRanks(dt, rows));
            g.Add(0, () =>
            {
                Tensor dx = session.Empty(xShape);
                Matrix target = Matrix.Dense(dx.View, rows, k);
                LinearOp.GradientProduct(dy, g.Kept(1), dx);
                kernels.Multiply(
                    dtRows, Matrix.Dense(g.Kept(2).View, ranks, k), target, epilogue: new Epilogue(Accumulate: true));
                return dx;
            });
            LinearOp.AddParameters(g, dy, rows, n, k);
            if (trainsA)
            {
                Tensor da = session.Empty([ranks, k]);
                kernels.Multiply(dtRows.T, Matrix.Dense(g.Kept(0).View, rows, k), Matrix.Dense(da.View, ranks, k));
                for (int p = 0; p < count; p++)
                    g.Add(3 + p, da.Alias([runs[p].Rank, k], (long)runs[p].FirstRank * k));
            }
            for (int p = 0; p < count; p++)
            {
                Run run = runs[p];
                g.Add(3 + count + p, () =>
                {
                    Tensor db = session.Empty([run.Outputs, run.Rank]);
                    kernels.Multiply(run.OfOutputs(dy, rows).T, run.OfRanks(g.Kept(3), rows), run.B(db));
                    return db;
                });
            }
        });
    }

    static Run[] Runs(string op, IReadOnlyList<LowRankPart> parts, int n, int k)
    {
        var runs = new Run[parts.Count];
        int ranks = 0;
        for (int p = 0; p < runs.Length; p++)
        {
            LowRankPart part = parts[p];
            Expect.Shape(op, "a", part.A, Expect.Any, k);
            Expect.Shape(op, "b", part.B, Expect.Any, part.A.Size(0));
            int outputs = part.B.Size(0);
            if (part.First < 0 || part.First > n - outputs)
            {
                throw new ArgumentException(
                    $"{op}: outputs [{part.First}, {(long)part.First + outputs}) are no part of {n}");
            }
            runs[p] = new Run(part.First, outputs, ranks, part.A.Size(0));
            ranks += part.A.Size(0);
        }
        return runs;
    }

    /// <summary>The A of all parts, one below the other.</summary>
    static Tensor Stack(Session session, IReadOnlyList<LowRankPart> parts, int ranks, int k)
    {
        Tensor stack = session.Empty([ranks, k]);
        long at = 0;
        foreach (LowRankPart part in parts)
        {
            session.Device.ElementWise.Affine(part.A.View, 1, 0, stack.View.Slice(at, part.A.Count));
            at += part.A.Count;
        }
        return stack;
    }

    /// <summary>Where a part's outputs lie in y and its ranks in t.</summary>
    readonly record struct Run(int First, int Outputs, int FirstRank, int Rank)
    {
        public Matrix OfOutputs(Tensor y, int rows) => new(y.View.Slice(First), rows, Outputs, y.Size(^1));

        public Matrix OfRanks(Tensor t, int rows) => new(t.View.Slice(FirstRank), rows, Rank, t.Size(^1));

        public Matrix B(Tensor b) => Matrix.Dense(b.View, Outputs, Rank);
    }
}
