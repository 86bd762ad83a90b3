using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Matmul, first rung: one sum per output.
/// <code>C[b, i, j] = act(sum over k of A[b, i, k] B[b, k, j] + bias[j]) + residual[b, i, j]</code>
/// FLOP 2 M N K.
/// </summary>
static class MatmulNaive
{
    /// <summary>
    /// Element (i, j) of a matrix of the batch, as <see cref="Matrix"/> describes it; its view is not looked at.
    /// Absent operands are empty spans.
    /// </summary>
    public static void Multiply<T>(
        Matrix layoutA, ReadOnlySpan<T> a, Matrix layoutB, ReadOnlySpan<T> b, Matrix layoutC, Span<T> c, int batch,
        ReadOnlySpan<T> bias, Activation activation, Span<T> preActivation, ReadOnlySpan<T> residual, bool accumulate)
        where T : IFloatingPointIeee754<T>
    {
        for (int index = 0; index < batch; index++)
            for (int row = 0; row < layoutC.Rows; row++)
                for (int column = 0; column < layoutC.Columns; column++)
                {
                    T sum = T.Zero;
                    for (int k = 0; k < layoutA.Columns; k++)
                        sum += a[Offset(layoutA, index, row, k)] * b[Offset(layoutB, index, k, column)];
                    int at = Offset(layoutC, index, row, column);
                    if (accumulate) sum += c[at];
                    if (!bias.IsEmpty) sum += bias[column];
                    if (!preActivation.IsEmpty) preActivation[at] = sum;
                    sum = ActivationNaive.Apply(activation, sum);
                    if (!residual.IsEmpty) sum += residual[at];
                    c[at] = sum;
                }
    }

    static int Offset(Matrix matrix, int batch, int row, int column) => checked((int)(batch * matrix.BatchStride
        + (matrix.Transposed ? column * matrix.RowStride + row : row * matrix.RowStride + column)));
}
