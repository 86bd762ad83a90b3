using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Convolution in its plain form, one multiply-add after the other. Index i = o stride + k - padding, per axis:
///   y[o, m]  = bias[m] + sum over k, c of x[i, c] w[k, c, m]
///   dx[i, c] = bias[c] + sum over k, m of dy[o, m] w[k, c, m]
///   dw[k, c, m] = sum over o of x[i, c] dy[o, m]
/// An activation follows element by element and is no part of this form. All three visit the same pairs (o, i). FLOP 2
/// per pair and channel pair; every operand is fetched anew each time.
/// </summary>
static class ConvolutionNaive
{
    public static void Forward<T>(
        ConvolutionShape shape, ReadOnlySpan<T> x, ReadOnlySpan<T> w, ReadOnlySpan<T> bias, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        Start(bias, y, shape.OutChannels);
        foreach (Pair p in new Pairs(shape))
            for (int c = 0; c < shape.InChannels; c++)
                for (int m = 0; m < shape.OutChannels; m++)
                {
                    T weight = w[(p.Tap * shape.InChannels + c) * shape.OutChannels + m];
                    y[p.Output * shape.OutChannels + m] += x[p.Input * shape.InChannels + c] * weight;
                }
    }

    public static void InputGradient<T>(
        ConvolutionShape shape, ReadOnlySpan<T> dy, ReadOnlySpan<T> w, ReadOnlySpan<T> bias, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        Start(bias, dx, shape.InChannels);
        foreach (Pair p in new Pairs(shape))
            for (int c = 0; c < shape.InChannels; c++)
                for (int m = 0; m < shape.OutChannels; m++)
                {
                    T weight = w[(p.Tap * shape.InChannels + c) * shape.OutChannels + m];
                    dx[p.Input * shape.InChannels + c] += dy[p.Output * shape.OutChannels + m] * weight;
                }
    }

    public static void WeightGradient<T>(
        ConvolutionShape shape, ReadOnlySpan<T> x, ReadOnlySpan<T> dy, Span<T> dw) where T : IFloatingPointIeee754<T>
    {
        dw.Clear();
        foreach (Pair p in new Pairs(shape))
            for (int c = 0; c < shape.InChannels; c++)
                for (int m = 0; m < shape.OutChannels; m++)
                    dw[(p.Tap * shape.InChannels + c) * shape.OutChannels + m] +=
                        x[p.Input * shape.InChannels + c] * dy[p.Output * shape.OutChannels + m];
    }

    static void Start<T>(ReadOnlySpan<T> bias, Span<T> y, int channels) where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < y.Length; i++) y[i] = bias.IsEmpty ? T.Zero : bias[i % channels];
    }

    /// <summary>An output voxel, an input voxel and the tap that joins them.</summary>
    readonly record struct Pair(int Output, int Input, int Tap);

    /// <summary>All pairs whose input voxel exists.</summary>
    readonly struct Pairs(ConvolutionShape shape)
    {
        public IEnumerator<Pair> GetEnumerator()
        {
            (Extent n, Extent m, Extent k) = (shape.Input, shape.Output, shape.Kernel);
            int output = 0;
            for (int b = 0; b < shape.Batch; b++)
                for (int od = 0; od < m.D; od++)
                    for (int oh = 0; oh < m.H; oh++)
                        for (int ow = 0; ow < m.W; ow++, output++)
                            for (int kd = 0; kd < k.D; kd++)
                                for (int kh = 0; kh < k.H; kh++)
                                    for (int kw = 0; kw < k.W; kw++)
                                    {
                                        int d = od * shape.Stride.D + kd - shape.Padding.D;
                                        int h = oh * shape.Stride.H + kh - shape.Padding.H;
                                        int w = ow * shape.Stride.W + kw - shape.Padding.W;
                                        if (d < 0 || d >= n.D || h < 0 || h >= n.H || w < 0 || w >= n.W) continue;
                                        int input = ((b * n.D + d) * n.H + h) * n.W + w;
                                        yield return new Pair(output, input, (kd * k.H + kh) * k.W + kw);
                                    }
        }
    }
}
