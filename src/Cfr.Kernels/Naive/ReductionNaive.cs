using System.Numerics;

namespace Cfr.Kernels;

/// <summary>Reductions over the middle axis of <c>x [outer, middle, inner]</c>, one result at a time.</summary>
static class ReductionNaive
{
    /// <summary>y[o, i] = scale * sum over m of x[o, m, i]</summary>
    public static void Sum<T>(int outer, int middle, int inner, ReadOnlySpan<T> x, Span<T> y, T scale)
        where T : IFloatingPointIeee754<T>
    {
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < inner; i++)
            {
                T sum = T.Zero;
                for (int m = 0; m < middle; m++) sum += x[(o * middle + m) * inner + i];
                y[o * inner + i] = scale * sum;
            }
    }

    /// <summary>y[o, i] = max over m of x[o, m, i], and the first m where it stands; NaN beats all.</summary>
    public static void Max<T>(int outer, int middle, int inner, ReadOnlySpan<T> x, Span<T> y, Span<int> index)
        where T : IFloatingPointIeee754<T>
    {
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < inner; i++)
            {
                int best = 0;
                T largest = x[o * middle * inner + i];
                for (int m = 1; m < middle; m++)
                {
                    T value = x[(o * middle + m) * inner + i];
                    if (value > largest || (T.IsNaN(value) && !T.IsNaN(largest))) (largest, best) = (value, m);
                }
                y[o * inner + i] = largest;
                index[o * inner + i] = best;
            }
    }

    /// <summary>dx[o, m, i] = dy[o, i] where m = index[o, i], else 0</summary>
    public static void MaxBackward<T>(
        int outer, int middle, int inner, ReadOnlySpan<T> dy, ReadOnlySpan<int> index, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        dx.Clear();
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < inner; i++)
                dx[(o * middle + index[o * inner + i]) * inner + i] = dy[o * inner + i];
    }
}
