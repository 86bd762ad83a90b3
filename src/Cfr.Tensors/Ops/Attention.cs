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
/// P is never stored: what is kept is the log of each row's sum of exponentials. Windows are read and written where
/// they lie in the image; nothing is cut out.
/// </summary>
public static class AttentionOp
{
    /// <summary>
    /// Attention of tokens among each other.   qkv [N, .., 3 E], channels q, then k, then v -> [N, .., E]; the axes
    /// between are the tokens. With relative positions they are the grid, row by row.
    /// </summary>
    /// <remarks>
    /// With a window of w, qkv is [N, H, W, 3 E] and tokens attend to each other in windows of w x w, row by row, to
    /// which the tables belong. Tokens of a window that lie below or on the right of the image are keys and values like
    /// others, with the k and v of <paramref name="outside"/> [3 E], or zeros:
    ///   d outside = (0, sum of their dk, sum of their dv)
    /// </remarks>
    public static Tensor SelfAttention(
        this Tensor qkv, int heads, Tensor? height = null, Tensor? width = null, int window = 0, Tensor? outside = null)
    {
        const string Op = nameof(SelfAttention);
        Session session = Session.Common(Op, qkv, height, width, outside);
        Expect.Type(Op, nameof(qkv), qkv, DType.Float32);
        bool fits = qkv.Rank >= 3 && heads >= 1 && qkv.Size(^1) % (3L * heads) == 0 && qkv.Shape[1..].Count > 0;
        if (!fits)
            throw Expect.Mismatch(Op, nameof(qkv), qkv, $"[N, .., 3 E] with E a multiple of {heads} heads, none empty");
        int channels = qkv.Size(^1) / 3, tokens = checked((int)qkv.Shape[1..^1].Count);
        var shape = new AttentionShape(
            qkv.Size(0), heads, tokens, tokens, channels / heads, Scale(channels / heads), Grid(height), Grid(width));
        if (window != 0) shape = InWindows(shape, qkv, window);
        CheckPositions(shape, height, width);
        if (outside is not null) Expect.Shape(Op, nameof(outside), outside, 3 * channels);
        outside = shape.OutsideOfImage == 0 ? null : outside ?? Zeros(session, 3 * channels);

        Tensor?[] inputs = [qkv, height, width, outside];
        Tensor? logSumExp = Statistics(session, shape, inputs);
        IAttention kernels = session.Device.Attention;
        Tensor y = DeferredOperand.Make(
            session, [.. qkv.Shape[..^1], channels], inputs,
            y =>
            {
                // Read in the type in which it is stored: it may be a product's result that was put off.
                Tensor read = qkv.In(y.Type);
                Tensor? rounded = null;
                View ofOutside = outside?.View ?? default;
                if (outside is not null && read.DType != DType.Float32)
                {
                    ofOutside = outside.InProduct(y.Type, isTrained: false);
                    if (ofOutside.Type != y.Type) ofOutside = (rounded = Rounded(outside, y.Type)).View;
                }
                kernels.Forward(
                    shape, Part(read, 0), Part(read, 1, ofOutside), Part(read, 2, ofOutside), Positions(height, width),
                    Rows(y, channels, tokens), logSumExp?.View ?? default);
                GC.KeepAlive(rounded);
            },
            CanRound(kernels, shape, Positions(height, width), logSumExp));
        return y.Record(Op, inputs, [.. inputs, y, logSumExp], g =>
        {
            Tensor packed = g.Kept(0), dqkv = session.Empty(packed.Shape);
            Tensor? dHeight = Like(g, 1), dWidth = Like(g, 2);
            Tensor? dOutside = g.Wants(3) ? session.Zeros(g.Kept(3).Shape) : null;
            View ofOutside = g.KeptOrNull(3)?.View ?? default, dOfOutside = dOutside?.View ?? default;
            kernels.Backward(
                shape, Part(packed, 0), Part(packed, 1, ofOutside), Part(packed, 2, ofOutside),
                Positions(g.KeptOrNull(1), g.KeptOrNull(2)), Rows(g.Kept(4), tokens), g.Kept(5).View,
                Rows(g.OfResult, tokens), Part(dqkv, 0), Part(dqkv, 1, dOfOutside), Part(dqkv, 2, dOfOutside),
                Positions(dHeight, dWidth));
            g.Add(0, dqkv);
            if (dHeight is not null) g.Add(1, dHeight);
            if (dWidth is not null) g.Add(2, dWidth);
            if (dOutside is not null) g.Add(3, dOutside);
        });

        Tokens Part(Tensor all, int index, View outside = default)
        {
            if (!outside.IsNone) outside = outside.Slice((long)index * channels, channels);
            return new(all.View.Slice((long)index * channels), 3L * channels, 3L * channels * tokens, outside);
        }
    }

    static Tensor Rounded(Tensor tensor, DType type)
    {
        Tensor rounded = tensor.Session.Empty(tensor.Shape, type);
        tensor.Session.Device.Matmul.Round(tensor.View, rounded.View);
        return rounded;
    }

    static Tensor Zeros(Session session, int count) =>
        session.Constant((nameof(SelfAttention), count), [count], () => new float[count]);

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

        Tensor? logSumExp = Statistics(session, shape, q, k, v);
        IAttention kernels = session.Device.Attention;
        Tensor y = DeferredOperand.Make(
            session, q.Shape, [q, k, v],
            y => kernels.Forward(
                shape, Rows(q, queries), Rows(k, keys), Rows(v, keys), default, Rows(y, heads * headWidth, queries),
                logSumExp?.View ?? default),
            CanRound(kernels, shape, default, logSumExp));
        return y.Record(Op, [q, k, v], [q, k, v, y, logSumExp], g =>
        {
            Tensor dq = session.Empty(g.Kept(0).Shape), dk = session.Empty(g.Kept(1).Shape);
            Tensor dv = session.Empty(g.Kept(2).Shape);
            kernels.Backward(
                shape, Rows(g.Kept(0), queries), Rows(g.Kept(1), keys), Rows(g.Kept(2), keys), default,
                Rows(g.Kept(3), queries), g.Kept(4).View, Rows(g.OfResult, queries), Rows(dq, queries), Rows(dk, keys),
                Rows(dv, keys), default);
            g.Add(0, dq);
            g.Add(1, dk);
            g.Add(2, dv);
        });
    }

    /// <summary>The same attention in square windows of a grid [N, H, W, ..].</summary>
    static AttentionShape InWindows(AttentionShape shape, Tensor qkv, int window)
    {
        const string Op = nameof(SelfAttention);
        if (window < 0)
            throw new ArgumentException($"{Op}: a window of {window} x {window} tokens; expected at least 1 x 1");
        if (qkv.Rank != 4) throw Expect.Mismatch(Op, nameof(qkv), qkv, "[N, H, W, 3 E], to be cut into windows");
        int area = checked(window * window);
        shape = shape with
        {
            Queries = area,
            Keys = area,
            GridHeight = window,
            GridWidth = window,
            Image = new TokenImage(qkv.Size(1), qkv.Size(2)),
        };
        return shape with { Batch = checked(shape.Batch * shape.WindowsDown * shape.WindowsAcross) };
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

    /// <summary>A backward pass reads y in float32.</summary>
    static bool CanRound(IAttention kernels, AttentionShape shape, RelativePositions positions, Tensor? logSumExp) =>
        logSumExp is null && kernels.CanRound(shape, positions);

    static Tokens Rows(Tensor tokens, int count) => Rows(tokens.View, tokens.Size(^1), count);

    static Tokens Rows(View tokens, int channels, int count) => new(tokens, channels, (long)count * channels);

    static RelativePositions Positions(Tensor? height, Tensor? width) =>
        new(height?.View ?? default, width?.View ?? default);

    static Tensor? Like(Gradient g, int input) =>
        g.Wants(input) ? g.OfResult.Session.Empty(g.Kept(input).Shape) : null;
}
