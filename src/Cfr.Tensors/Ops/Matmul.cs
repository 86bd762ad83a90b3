using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Matrix product: C = A B, A and B as they are or transposed.
///   a [.., M, K] or [.., K, M], b [.., K, N] or [.., N, K] with the same leading axes, or without any: one b for all
///   -> C [.., M, N]
///   dA = dC B^T      dB = A^T dC, summed over what shares b
/// </summary>
public static class MatmulOp
{
    /// <summary>The product of the matrices in the last two axes.</summary>
    public static Tensor Matmul(this Tensor a, Tensor b, bool transposeA = false, bool transposeB = false)
    {
        Session session = Session.Common(nameof(Matmul), a, b);
        Expect.Trailing(nameof(Matmul), nameof(a), a, Expect.Any, Expect.Any);
        int m = a.Size(transposeA ? ^1 : ^2), k = a.Size(transposeA ? ^2 : ^1);
        if (transposeB)
            Expect.Trailing(nameof(Matmul), nameof(b), b, Expect.Any, k);
        else
            Expect.Trailing(nameof(Matmul), nameof(b), b, k, Expect.Any);
        int n = b.Size(transposeB ? ^2 : ^1);
        bool shared = b.Rank == 2;
        if (!shared && b.Shape[..^2] != a.Shape[..^2])
            throw Expect.Mismatch(nameof(Matmul), nameof(b), b, $"leading axes {a.Shape[..^2]} or none");

        int batch = checked((int)a.Shape[..^2].Count);
        Shape shapeOfA = a.Shape, shapeOfB = b.Shape;
        Tensor c = session.Empty([.. shapeOfA[..^2], m, n]);
        session.Device.Matmul.Multiply(A(a.View), B(b.View), Matrix.Dense(c.View, m, n), batch);
        return c.Record(nameof(Matmul), [a, b], [b.RequiresGrad ? a : null, a.RequiresGrad ? b : null], g =>
        {
            var dc = Matrix.Dense(g.OfResult.View, m, n);
            g.Add(0, () =>
            {
                Tensor da = session.Empty(shapeOfA);
                Multiply(transposeA, dc, B(g.Kept(1).View).T, Matrix.Dense(da.View, shapeOfA[^2], shapeOfA[^1]), batch);
                return da;
            });
            g.Add(1, () =>
            {
                Tensor db = session.Empty(shapeOfB);
                var target = Matrix.Dense(db.View, shapeOfB[^2], shapeOfB[^1]);
                if (shared)
                    SumOfProducts(transposeB, A(g.Kept(0).View).T, dc, target, batch);
                else
                    Multiply(transposeB, A(g.Kept(0).View).T, dc, target, batch);
                return db;
            });
        });

        Matrix A(View data) => transposeA ? Matrix.Dense(data, k, m).T : Matrix.Dense(data, m, k);

        Matrix B(View data)
        {
            Matrix matrix = transposeB ? Matrix.Dense(data, n, k).T : Matrix.Dense(data, k, n);
            return shared ? matrix with { BatchStride = 0 } : matrix;
        }

        void Multiply(bool transposed, Matrix left, Matrix right, Matrix target, int count, bool accumulate = false)
        {
            var epilogue = new Epilogue(Accumulate: accumulate);
            if (transposed)
                session.Device.Matmul.Multiply(right.T, left.T, target, count, epilogue);
            else
                session.Device.Matmul.Multiply(left, right, target, count, epilogue);
        }

        // Where the batch lies one behind the other along the sum, it is one long sum; else a product is added after another.
        void SumOfProducts(bool transposed, Matrix left, Matrix right, Matrix target, int count)
        {
            if (!transposeA)
            {
                Multiply(transposed, left with { Columns = count * m }, right with { Rows = count * m }, target, 1);
                return;
            }
            for (int i = 0; i < count; i++)
                Multiply(
                    transposed, left with { Data = left.Data.Slice(i * left.BatchStride) },
                    right with { Data = right.Data.Slice(i * right.BatchStride) }, target, 1, accumulate: i > 0);
            if (count == 0) Multiply(transposed, left with { Columns = 0 }, right with { Rows = 0 }, target, 1);
        }
    }
}
