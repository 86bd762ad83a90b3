using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Softmax attention with h heads of d = E / h channels; channel n d + c belongs to head n.
///   y = softmax(q k^T / sqrt d + p) v   per head   q [N, Lq, E], k [N, Lk, E], v [N, Lk, E] -> y [N, Lq, E]
/// Decomposed relative positions (MViTv2 eq. 4, as in SAM): on a grid of H x W tokens
///   p[(y, x), (y', x')] = q . height[y - y' + H - 1] + q . width[x - x' + W - 1]
///   height [2 H - 1, d], width [2 W - 1, d]
/// With P the softmax and D = rowsum(dy y):
///   dv = P^T dy      dS = P (dy v^T - D)      dq = dS k / sqrt d + dp/dq dS      dk = dS^T q / sqrt d
/// P is never stored: what is kept is the log of each row's sum of exponentials.
/// </summary>
public static class AttentionOp
{
    /// <summary>
    /// Attention of tokens among each other.   qkv [N, .., 3 E], channels q, then k, then v -> [N, .., E]; the axes
    /// between are the tokens. With relative positions they are the grid, row by row.
    /// </summary>
    public static Tensor SelfAttention(this Tensor qkv, int heads, Tensor? height = null, Tensor? width = null)
    {
        const string Op = nameof(SelfAttention);
        Session session = Session.Common(Op, qkv, height, width);
        Expect.Type(Op, nameof(qkv), qkv, DType.Float32);
        bool fits = qkv.Rank >= 3 && heads >= 1 && qkv.Size(^1) % (3L * heads) == 0 && qkv.Shape[1..].Count > 0;
        if (!fits)
            throw Expect.Mismatch(Op, nameof(qkv), qkv, $"[N, .., 3 E] with E a multiple of {heads} heads, none empty");
        int channels = qkv.Size(^1) / 3, tokens = checked((int)qkv.Shape[1..^1].Count);
        var shape = new AttentionShape(
            qkv.Size(0), heads, tokens, tokens, channels / heads, Scale(channels / heads), Grid(height), Grid(width));
        CheckPositions(shape, height, width);

        Tensor y = session.Empty([.. qkv.Shape[..^1], channels]);
        Tensor? logSumExp = Statistics(session, shape, qkv, height, width);
        session.Device.Attention.Forward(
            shape, Part(qkv, 0), Part(qkv, 1), Part(qkv, 2), Positions(height, width), Rows(y, tokens),
            logSumExp?.View ?? default);
        return y.Record(Op, [qkv, height, width], [qkv, height, width, y, logSumExp], g =>
        {
            Tensor packed = g.Kept(0), dqkv = session.Empty(packed.Shape);
            Tensor? dHeight = Like(g, 1), dWidth = Like(g, 2);
            session.Device.Attention.Backward(
                shape, Part(packed, 0), Part(packed, 1), Part(packed, 2), Positions(g.KeptOrNull(1), g.KeptOrNull(2)),
                Rows(g.Kept(3), tokens), g.Kept(4).View, Rows(g.OfResult, tokens), Part(dqkv, 0), Part(dqkv, 1),
                Part(dqkv, 2), Positions(dHeight, dWidth));
            g.Add(0, dqkv);
            if (dHeight is not null) g.Add(1, dHeight);
            if (dWidth is not null) g.Add(2, dWidth);
        });

        Tokens Part(Tensor all, int index) => new(
            all.View.Slice((long)index * channels), 3L * channels, 3L * channels * tokens);
    }

    /// <summary>Attention of tokens to others.   q [N, Lq, E], k [N, Lk, E], v [N, Lk, E] -> [N, Lq, E]</summary>
    public static Tensor Attention(this Tensor q, Tensor k, Tensor v, int heads)
    {
        const string Op = nameof(Attention);
        Session session = Session.Common(Op, q, k, v);
        Expect.Type(Op, nameof(q), q, DType.Float32);
        if (q.Rank != 3 || heads < 1 || q.Size(2) % heads != 0 || q.Size(2) == 0)
            throw Expect.Mismatch(Op, nameof(q), q, $"[N, Lq, E] with E a multiple of {heads} heads");
        Expect.Shape(Op, nameof(k), k, q.Size(0), Expect.Any, q.Size(2));
        Expect.Shape(Op, nameof(v), v, q.Size(0), k.Size(1), q.Size(2));
        if (k.Size(1) == 0) throw Expect.Mismatch(Op, nameof(k), k, "at least one key");
        int headWidth = q.Size(2) / heads, queries = q.Size(1), keys = k.Size(1);
        var shape = new AttentionShape(q.Size(0), heads, queries, keys, headWidth, Scale(headWidth));

        Tensor y = session.Empty(q.Shape);
        Tensor? logSumExp = Statistics(session, shape, q, k, v);
        session.Device.Attention.Forward(
            shape, Rows(q, queries), Rows(k, keys), Rows(v, keys), default, Rows(y, queries), logSumExp?.View ?? default);
        return y.Record(Op, [q, k, v], [q, k, v, y, logSumExp], g =>
        {
            Tensor dq = session.Empty(g.Kept(0).Shape), dk = session.Empty(g.Kept(1).Shape);
            Tensor dv = session.Empty(g.Kept(2).Shape);
            session.Device.Attention.Backward(
                shape, Rows(g.Kept(0), queries), Rows(g.Kept(1), keys), Rows(g.Kept(2), keys), default,
                Rows(g.Kept(3), queries), g.Kept(4).View, Rows(g.OfResult, queries), Rows(dq, queries), Rows(dk, keys),
                Rows(dv, keys), default);
            g.Add(0, dq);
            g.Add(1, dk);
            g.Add(2, dv);
        });
    }

    static float Scale(int headWidth) => 1 / MathF.Sqrt(headWidth);

    static int Grid(Tensor? table) => table is null ? 0 : table.Rank == 2
        ? (table.Size(0) + 1) / 2
        : throw Expect.Mismatch(nameof(SelfAttention), nameof(table), table, "[2 size - 1, head width]");

    static void CheckPositions(AttentionShape shape, Tensor? height, Tensor? width)
    {
        if (height is null && width is null) return;
        if (height is null || width is null)
            throw new ArgumentException($"{nameof(SelfAttention)}: relative positions need both tables, height and width");
        Expect.Shape(nameof(SelfAttention), nameof(height), height, 2 * shape.GridHeight - 1, shape.HeadWidth);
        Expect.Shape(nameof(SelfAttention), nameof(width), width, 2 * shape.GridWidth - 1, shape.HeadWidth);
        if (shape.GridHeight * shape.GridWidth == shape.Queries) return;
        throw new ArgumentException(
            $"{nameof(SelfAttention)}: tables {height.Shape} and {width.Shape} are for a grid of {shape.GridHeight} x {shape.GridWidth}, not for {shape.Queries} tokens");
    }

    /// <summary>Where each row's log of the sum of exponentials goes; null if there will be no backward pass.</summary>
    static Tensor? Statistics(Session session, AttentionShape shape, params ReadOnlySpan<Tensor?> inputs)
    {
        bool recorded = false;
        foreach (Tensor? input in inputs) recorded |= session.GradEnabled && input is { RequiresGrad: true };
        return recorded ? session.Empty([shape.Batch, shape.Heads, shape.Queries]) : null;
    }

    static Tokens Rows(Tensor tokens, int count) => new(tokens.View, tokens.Size(^1), (long)count * tokens.Size(^1));

    static RelativePositions Positions(Tensor? height, Tensor? width) =>
        new(height?.View ?? default, width?.View ?? default);

    static Tensor? Like(Gradient g, int input) =>
        g.Wants(input) ? g.OfResult.Session.Empty(g.Kept(input).Shape) : null;
}
