using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Layer norm of rows in its plain form: y = (x - m) r w + b with the row's mean m and r = 1 / sqrt(variance + eps).
/// Backward, with g = dy w and n = (x - m) r: dx = r (g - mean(g) - n mean(g n)), dw = sum dy n, db = sum dy.
/// </summary>
static class LayerNormNaive
{
    public static void Forward<T>(
        int rows, int width, T eps, ReadOnlySpan<T> x, ReadOnlySpan<T> weight, ReadOnlySpan<T> bias, Span<T> y,
        Span<T> mean,
        Span<T> inverseDeviation) where T : IFloatingPointIeee754<T>
    {
        T n = T.CreateChecked(width);
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<T> row = x.Slice(r * width, width);
            T sum = T.Zero, squares = T.Zero;
            for (int i = 0; i < width; i++) sum += row[i];
            T m = sum / n;
            for (int i = 0; i < width; i++) squares += (row[i] - m) * (row[i] - m);
            T inverse = T.One / T.Sqrt(squares / n + eps);
            for (int i = 0; i < width; i++)
            {
                T w = weight.IsEmpty ? T.One : weight[i], b = bias.IsEmpty ? T.Zero : bias[i];
                y[r * width + i] = (row[i] - m) * inverse * w + b;
            }
            mean[r] = m;
            inverseDeviation[r] = inverse;
        }
    }

    public static void Backward<T>(
        int rows, int width, ReadOnlySpan<T> x, ReadOnlySpan<T> weight, ReadOnlySpan<T> mean,
        ReadOnlySpan<T> inverseDeviation,
        ReadOnlySpan<T> dy, Span<T> dx, Span<T> dWeight, Span<T> dBias) where T : IFloatingPointIeee754<T>
    {
        T n = T.CreateChecked(width);
        dWeight.Clear();
        dBias.Clear();
        for (int r = 0; r < rows; r++)
        {
            T sumG = T.Zero, sumGN = T.Zero;
            for (int i = 0; i < width; i++)
            {
                int at = r * width + i;
                T normal = (x[at] - mean[r]) * inverseDeviation[r];
                T g = weight.IsEmpty ? dy[at] : dy[at] * weight[i];
                sumG += g;
                sumGN += g * normal;
                if (!dWeight.IsEmpty) dWeight[i] += dy[at] * normal;
                if (!dBias.IsEmpty) dBias[i] += dy[at];
            }
            for (int i = 0; i < width; i++)
            {
                int at = r * width + i;
                T normal = (x[at] - mean[r]) * inverseDeviation[r];
                T g = weight.IsEmpty ? dy[at] : dy[at] * weight[i];
                dx[at] = inverseDeviation[r] * (g - sumG / n - normal * sumGN / n);
            }
        }
    }
}
