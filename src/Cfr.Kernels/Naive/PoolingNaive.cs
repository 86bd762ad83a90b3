using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Max pooling in its plain form: y[o] = max over the kernel's taps k of x[o stride + k - padding]; dx gets each dy
/// where its maximum stood.
/// </summary>
static class PoolingNaive
{
    public static void MaxForward<T>(PoolingShape shape, ReadOnlySpan<T> x, Span<T> y, Span<int> argMax)
        where T : IFloatingPointIeee754<T>
    {
        (Extent n, Extent m, Extent k) = (shape.Input, shape.Output, shape.Kernel);
        int output = 0;
        for (int b = 0; b < shape.Batch; b++)
            for (int od = 0; od < m.D; od++)
                for (int oh = 0; oh < m.H; oh++)
                    for (int ow = 0; ow < m.W; ow++)
                        for (int c = 0; c < shape.Channels; c++, output++)
                        {
                            T best = T.NegativeInfinity;
                            int bestAt = -1;
                            for (int kd = 0; kd < k.D; kd++)
                                for (int kh = 0; kh < k.H; kh++)
                                    for (int kw = 0; kw < k.W; kw++)
                                    {
                                        int d = od * shape.Stride.D + kd - shape.Padding.D;
                                        int h = oh * shape.Stride.H + kh - shape.Padding.H;
                                        int w = ow * shape.Stride.W + kw - shape.Padding.W;
                                        if (d < 0 || d >= n.D || h < 0 || h >= n.H || w < 0 || w >= n.W) continue;
                                        int at = (d * n.H + h) * n.W + w;
                                        T value = x[(int)(b * n.Voxels + at) * shape.Channels + c];
                                        bool wins = T.IsNaN(value) ? !T.IsNaN(best) : value > best;
                                        if (bestAt >= 0 && !wins) continue;
                                        best = value;
                                        bestAt = at;
                                    }
                            y[output] = best;
                            argMax[output] = bestAt;
                        }
    }

    public static void MaxBackward<T>(PoolingShape shape, ReadOnlySpan<T> dy, ReadOnlySpan<int> argMax, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        dx.Clear();
        for (int i = 0; i < dy.Length; i++)
        {
            int b = (int)(i / (shape.Output.Voxels * shape.Channels)), c = i % shape.Channels;
            dx[(int)(b * shape.Input.Voxels + argMax[i]) * shape.Channels + c] += dy[i];
        }
    }
}
