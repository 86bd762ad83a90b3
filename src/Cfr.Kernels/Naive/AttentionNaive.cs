using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Attention, first rung: every probability of one query at a time.
/// <code>
///   logit[k'] = scale q . key[k'] + q . Height[y - y' + GridHeight - 1] + q . Width[x - x' + GridWidth - 1]
///   p = softmax(logit)           out = sum over k' of p[k'] value[k']
/// </code>
/// Views inside <see cref="Tokens"/> are not looked at, only their strides; absent operands are empty spans.
/// </summary>
static class AttentionNaive
{
    public static void Forward<T>(
        AttentionShape shape, Tokens layoutQ, ReadOnlySpan<T> q, Tokens layoutK, ReadOnlySpan<T> k, Tokens layoutV,
        ReadOnlySpan<T> v, ReadOnlySpan<T> height, ReadOnlySpan<T> width, Tokens layoutY, Span<T> y, Span<T> logSumExp)
        where T : IFloatingPointIeee754<T>
    {
        var p = new T[shape.Keys];
        for (int batch = 0; batch < shape.Batch; batch++)
            for (int head = 0; head < shape.Heads; head++)
                for (int query = 0; query < shape.Queries; query++)
                {
                    T lse = Probabilities(shape, layoutQ, q, layoutK, k, height, width, batch, head, query, p);
                    if (!logSumExp.IsEmpty) logSumExp[(batch * shape.Heads + head) * shape.Queries + query] = lse;
                    for (int c = 0; c < shape.HeadWidth; c++)
                    {
                        T sum = T.Zero;
                        for (int key = 0; key < shape.Keys; key++)
                            sum += p[key] * v[At(layoutV, shape, batch, head, key, c)];
                        y[At(layoutY, shape, batch, head, query, c)] = sum;
                    }
                }
    }

    /// <summary>Gradients; those of the tables are computed where the tables are given.</summary>
    public static void Backward<T>(
        AttentionShape shape, Tokens layoutQ, ReadOnlySpan<T> q, Tokens layoutK, ReadOnlySpan<T> k, Tokens layoutV,
        ReadOnlySpan<T> v, ReadOnlySpan<T> height, ReadOnlySpan<T> width, Tokens layoutDY, ReadOnlySpan<T> dy,
        Tokens layoutDQ, Span<T> dq, Tokens layoutDK, Span<T> dk, Tokens layoutDV, Span<T> dv, Span<T> dHeight, Span<T> dWidth)
        where T : IFloatingPointIeee754<T>
    {
        T scale = T.CreateChecked(shape.Scale);
        T[] p = new T[shape.Keys], dp = new T[shape.Keys];
        Clear(shape, shape.Queries, layoutDQ, dq);
        Clear(shape, shape.Keys, layoutDK, dk);
        Clear(shape, shape.Keys, layoutDV, dv);
        dHeight.Clear();
        dWidth.Clear();
        for (int batch = 0; batch < shape.Batch; batch++)
            for (int head = 0; head < shape.Heads; head++)
                for (int query = 0; query < shape.Queries; query++)
                {
                    Probabilities(shape, layoutQ, q, layoutK, k, height, width, batch, head, query, p);
                    T mean = T.Zero;
                    for (int key = 0; key < shape.Keys; key++)
                    {
                        dp[key] = T.Zero;
                        for (int c = 0; c < shape.HeadWidth; c++)
                        {
                            T dOut = dy[At(layoutDY, shape, batch, head, query, c)];
                            dp[key] += dOut * v[At(layoutV, shape, batch, head, key, c)];
                            dv[At(layoutDV, shape, batch, head, key, c)] += p[key] * dOut;
                        }
                        mean += p[key] * dp[key];
                    }
                    for (int key = 0; key < shape.Keys; key++)
                    {
                        T dLogit = p[key] * (dp[key] - mean);
                        for (int c = 0; c < shape.HeadWidth; c++)
                        {
                            int atQ = At(layoutQ, shape, batch, head, query, c), atDQ = At(layoutDQ, shape, batch, head, query, c);
                            dq[atDQ] += scale * dLogit * k[At(layoutK, shape, batch, head, key, c)];
                            dk[At(layoutDK, shape, batch, head, key, c)] += scale * dLogit * q[atQ];
                            if (height.IsEmpty) continue;
                            int atHeight = HeightRow(shape, query, key) * shape.HeadWidth + c;
                            int atWidth = WidthRow(shape, query, key) * shape.HeadWidth + c;
                            dq[atDQ] += dLogit * (height[atHeight] + width[atWidth]);
                            if (!dHeight.IsEmpty) dHeight[atHeight] += dLogit * q[atQ];
                            if (!dWidth.IsEmpty) dWidth[atWidth] += dLogit * q[atQ];
                        }
                    }
                }
    }

    /// <summary>The softmax of one row of logits; returns its log of the sum of exponentials.</summary>
    static T Probabilities<T>(
        AttentionShape shape, Tokens layoutQ, ReadOnlySpan<T> q, Tokens layoutK, ReadOnlySpan<T> k, ReadOnlySpan<T> height,
        ReadOnlySpan<T> width, int batch, int head, int query, T[] p) where T : IFloatingPointIeee754<T>
    {
        T scale = T.CreateChecked(shape.Scale), largest = T.NegativeInfinity, sum = T.Zero;
        for (int key = 0; key < shape.Keys; key++)
        {
            p[key] = T.Zero;
            for (int c = 0; c < shape.HeadWidth; c++)
            {
                T component = q[At(layoutQ, shape, batch, head, query, c)];
                p[key] += component * scale * k[At(layoutK, shape, batch, head, key, c)];
                if (height.IsEmpty) continue;
                p[key] += component * height[HeightRow(shape, query, key) * shape.HeadWidth + c];
                p[key] += component * width[WidthRow(shape, query, key) * shape.HeadWidth + c];
            }
            largest = T.Max(largest, p[key]);
        }
        for (int key = 0; key < shape.Keys; key++) sum += p[key] = T.Exp(p[key] - largest);
        for (int key = 0; key < shape.Keys; key++) p[key] /= sum;
        return largest + T.Log(sum);
    }

    static int HeightRow(AttentionShape shape, int query, int key) =>
        query / shape.GridWidth - key / shape.GridWidth + shape.GridHeight - 1;

    static int WidthRow(AttentionShape shape, int query, int key) =>
        query % shape.GridWidth - key % shape.GridWidth + shape.GridWidth - 1;

    static int At(Tokens layout, AttentionShape shape, int batch, int head, int token, int component) =>
        checked((int)(batch * layout.BatchStride + token * layout.RowStride + head * shape.HeadWidth + component));

    static void Clear<T>(AttentionShape shape, int tokens, Tokens layout, Span<T> values) where T : IFloatingPointIeee754<T>
    {
        for (int batch = 0; batch < shape.Batch; batch++)
            for (int token = 0; token < tokens; token++)
                values.Slice(At(layout, shape, batch, 0, token, 0), shape.Heads * shape.HeadWidth).Clear();
    }
}
