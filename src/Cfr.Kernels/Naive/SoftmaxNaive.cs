using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Softmax along rows in its plain form, y = exp(x - max) / sum, and its logarithm, y = x - max - log sum.
/// Backward: dx = y (dy - sum(dy y)); of the logarithm: dx = dy - exp(y) sum(dy).
/// </summary>
static class SoftmaxNaive
{
    public static void Forward<T>(int rows, int width, ReadOnlySpan<T> x, Span<T> y) where T : IFloatingPointIeee754<T>
    {
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<T> row = x.Slice(r * width, width);
            T max = Largest(row), sum = SumOfExponentials(row, max);
            for (int i = 0; i < width; i++) y[r * width + i] = T.Exp(row[i] - max) / sum;
        }
    }

    public static void Backward<T>(int rows, int width, ReadOnlySpan<T> y, ReadOnlySpan<T> dy, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        for (int r = 0; r < rows; r++)
        {
            T sum = T.Zero;
            for (int i = r * width; i < (r + 1) * width; i++) sum += dy[i] * y[i];
            for (int i = r * width; i < (r + 1) * width; i++) dx[i] = y[i] * (dy[i] - sum);
        }
    }

    public static void LogForward<T>(int rows, int width, ReadOnlySpan<T> x, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<T> row = x.Slice(r * width, width);
            T max = Largest(row), logSum = T.Log(SumOfExponentials(row, max));
            for (int i = 0; i < width; i++) y[r * width + i] = row[i] - max - logSum;
        }
    }

    public static void LogBackward<T>(int rows, int width, ReadOnlySpan<T> y, ReadOnlySpan<T> dy, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        for (int r = 0; r < rows; r++)
        {
            T sum = T.Zero;
            for (int i = r * width; i < (r + 1) * width; i++) sum += dy[i];
            for (int i = r * width; i < (r + 1) * width; i++) dx[i] = dy[i] - T.Exp(y[i]) * sum;
        }
    }

    static T Largest<T>(ReadOnlySpan<T> row) where T : IFloatingPointIeee754<T>
    {
        T max = T.NegativeInfinity;
        foreach (T value in row) max = T.Max(max, value);
        return max;
    }

    static T SumOfExponentials<T>(ReadOnlySpan<T> row, T max) where T : IFloatingPointIeee754<T>
    {
        T sum = T.Zero;
        foreach (T value in row) sum += T.Exp(value - max);
        return sum;
    }
}
