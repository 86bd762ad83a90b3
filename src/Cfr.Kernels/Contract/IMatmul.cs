namespace Cfr.Kernels;

/// <summary>
/// A logical <c>Rows x Columns</c> matrix inside a view. Element (r, c) lies at <c>r * RowStride + c</c>, or, when
/// <c>Transposed</c>, at <c>c * RowStride + r</c>. Matrix b of a batch begins <c>b * BatchStride</c> elements further
/// on; a batch stride of 0 shares one matrix.
/// </summary>
public readonly record struct Matrix(
    View Data, int Rows, int Columns, long RowStride, long BatchStride = 0, bool Transposed = false)
{
    /// <summary>A dense row-major matrix.</summary>
    public static Matrix Dense(View data, int rows, int columns) =>
        new(data, rows, columns, columns, (long)rows * columns);

    /// <summary>The same numbers, read as the transposed matrix.</summary>
    public Matrix T => this with { Rows = Columns, Columns = Rows, Transposed = !Transposed };
}

/// <summary>Activation functions that kernels can fuse.</summary>
public enum Activation
{
    /// <summary>x</summary>
    None,
    /// <summary>max(x, 0)</summary>
    Relu,
    /// <summary>0.5 x (1 + erf(x / sqrt 2)), the exact form.</summary>
    Gelu,
}

/// <summary>
/// What happens to a matrix product on its way out: <c>C = act(AB + bias) + residual</c>, or <c>C += AB</c> when
/// <c>Accumulate</c> (then nothing else is allowed).
/// </summary>
/// <param name="Bias">One value per column, or none.</param>
/// <param name="Activation">Applied after the bias.</param>
/// <param name="PreActivation">Receives AB + bias, laid out as C; none if not wanted. A backward pass needs it.</param>
/// <param name="Residual">Added after the activation, laid out as C; none if absent.</param>
/// <param name="Accumulate">Adds to what C holds.</param>
public readonly record struct Epilogue(
    View Bias = default,
    Activation Activation = Activation.None,
    View PreActivation = default,
    View Residual = default,
    bool Accumulate = false);

/// <summary>Matrix products.</summary>
public interface IMatmul
{
    /// <summary>
    /// <c>C[b] = epilogue(A[b] B[b])</c> for each of <paramref name="batch"/> matrices; A is M x K, B is K x N, C is M
    /// x N. C may not be transposed and may not overlap A or B. K = 0 gives zeros before the epilogue.
    /// </summary>
    void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default);

    /// <summary>
    /// The type in which the A of a product, and its B, is multiplied, M x K against K x N. Who makes it anew, in this
    /// type, saves a conversion; the result is the same.
    /// </summary>
    DType TypeOfA(int m, int n, int k);

    /// <summary>
    /// The same numbers in a type that <see cref="TypeOfA"/> says: what products read again and again is rounded once.
    /// </summary>
    void Round(View x, View y);
}
