namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IMatmul"/> with its time and cost noted.</summary>
sealed class ProfiledMatmul(IMatmul matmul, Profiler profiler) : IMatmul
{
    public void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default)
    {
        string sizes = $"{(batch > 1 ? $"{batch} x " : "")}{a.Rows}x{a.Columns}x{b.Columns}";
        double bytes = Traffic(a, batch) + Traffic(b, batch) + Traffic(c, batch) * (epilogue.Accumulate ? 2 : 1)
            + (epilogue.Bias.IsNone ? 0 : (double)c.Columns * epilogue.Bias.Type.Bytes())
            + (epilogue.PreActivation.IsNone ? 0 : Traffic(c, batch)) + (epilogue.Residual.IsNone ? 0 : Traffic(c, batch));
        using (profiler.Call("matmul", sizes, 2.0 * batch * a.Rows * a.Columns * b.Columns, bytes))
            matmul.Multiply(a, b, c, batch, epilogue);
    }

    public DType TypeOfA(int m, int n, int k) => matmul.TypeOfA(m, n, k);

    public void Round(View x, View y)
    {
        using (profiler.Call("round", $"{x.Count}", 0, View.Bytes(x, y))) matmul.Round(x, y);
    }

    static double Traffic(Matrix matrix, int batch) =>
        (matrix.BatchStride == 0 ? 1 : batch) * (double)matrix.Rows * matrix.Columns * matrix.Data.Type.Bytes();
}
