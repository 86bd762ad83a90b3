using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Resizing in its plain form: an output voxel is the weighted sum of the 2 x 2 x 2 input voxels around its position
/// (or the nearest one). Backward adds each output gradient to the same voxels with the same weights.
/// </summary>
static class ResamplingNaive
{
    public static void Forward<T>(ResamplingShape shape, ReadOnlySpan<T> x, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        y.Clear();
        for (int b = 0; b < shape.Batch; b++)
            foreach ((long output, long input, double weight) in Taps(shape))
                for (int c = 0; c < shape.Channels; c++)
                {
                    int o = (int)((b * shape.Output.Voxels + output) * shape.Channels + c);
                    int i = (int)((b * shape.Input.Voxels + input) * shape.Channels + c);
                    y[o] += T.CreateChecked(weight) * x[i];
                }
    }

    public static void Backward<T>(ResamplingShape shape, ReadOnlySpan<T> dy, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        dx.Clear();
        for (int b = 0; b < shape.Batch; b++)
            foreach ((long output, long input, double weight) in Taps(shape))
                for (int c = 0; c < shape.Channels; c++)
                {
                    int o = (int)((b * shape.Output.Voxels + output) * shape.Channels + c);
                    int i = (int)((b * shape.Input.Voxels + input) * shape.Channels + c);
                    dx[i] += T.CreateChecked(weight) * dy[o];
                }
    }

    static IEnumerable<(long Output, long Input, double Weight)> Taps(ResamplingShape shape)
    {
        (Extent n, Extent m) = (shape.Input, shape.Output);
        for (int d = 0; d < m.D; d++)
            for (int h = 0; h < m.H; h++)
                for (int w = 0; w < m.W; w++)
                    foreach ((int id, double wd) in AxisTaps(shape, n.D, m.D, d))
                        foreach ((int ih, double wh) in AxisTaps(shape, n.H, m.H, h))
                            foreach ((int iw, double ww) in AxisTaps(shape, n.W, m.W, w))
                            {
                                long output = ((long)d * m.H + h) * m.W + w, input = ((long)id * n.H + ih) * n.W + iw;
                                yield return (output, input, wd * wh * ww);
                            }
    }

    /// <summary>The one or two of n input points that output point i of m reads, and their weights.</summary>
    static (int Index, double Weight)[] AxisTaps(ResamplingShape shape, int n, int m, int i)
    {
        if (shape.Interpolation == Interpolation.Nearest) return [((int)((long)i * n / m), 1)];
        double position = shape.AlignCorners
            ? m > 1 ? (double)i * (n - 1) / (m - 1) : 0
            : Math.Max((i + 0.5) * n / m - 0.5, 0);
        int first = Math.Min((int)position, n - 1), second = Math.Min(first + 1, n - 1);
        double fraction = position - first;
        return [(first, 1 - fraction), (second, fraction)];
    }
}
