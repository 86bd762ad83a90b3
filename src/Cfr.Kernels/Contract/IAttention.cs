namespace Cfr.Kernels;

/// <summary>
/// Sizes of an attention: every batch entry and head has <c>Queries</c> rows of <c>HeadWidth</c> against <c>Keys</c>
/// rows. With relative positions, queries and keys are the same <c>GridHeight x GridWidth</c> grid, row-major.
/// </summary>
/// <remarks>
/// With an <c>Image</c>, batch entries are windows of <c>GridHeight x GridWidth</c> tokens (SAM's encoder; Swin, Liu
/// 2021), row by row, image after image, and each token is read and written at its place in the image. Windows may hang
/// over the lower and the right edge. A token outside is a key and a value like any other, <see
/// cref="Tokens.Outside"/>, at its own position; as a query it does not count: it has no result and gives no gradient,
/// and what stands for it in <c>logSumExp</c> means nothing.
/// </remarks>
public readonly record struct AttentionShape(
    int Batch, int Heads, int Queries, int Keys, int HeadWidth, float Scale, int GridHeight = 0, int GridWidth = 0,
    TokenImage Image = default)
{
    /// <summary>Whether batch entries are windows of images.</summary>
    public bool IsWindowed => Image.Height > 0;

    /// <summary>Windows of an image, one below and one beside the other; 1 without windows.</summary>
    public int WindowsDown => IsWindowed ? (Image.Height + GridHeight - 1) / GridHeight : 1;

    /// <inheritdoc cref="WindowsDown"/>
    public int WindowsAcross => IsWindowed ? (Image.Width + GridWidth - 1) / GridWidth : 1;

    /// <summary>Images, or batch entries without windows.</summary>
    public int Images => Batch / (WindowsDown * WindowsAcross);

    /// <summary>Tokens of an image's windows that lie outside.</summary>
    public int OutsideOfImage => IsWindowed ? WindowsDown * WindowsAcross * Keys - Image.Height * Image.Width : 0;

    /// <summary>Tokens that have results, of all batch entries.</summary>
    public long Results => IsWindowed ? (long)Images * Image.Height * Image.Width : (long)Batch * Queries;

    /// <summary>Multiply-adds of the two products, times 2.</summary>
    public double Flop => 4.0 * Results * Heads * Keys * HeadWidth;
}

/// <summary>Tokens of an image that attention cuts into windows.</summary>
public readonly record struct TokenImage(int Height, int Width);

/// <summary>
/// Rows of tokens inside a view: component c of head h of token t of batch entry b lies at
/// <c>b * BatchStride + t * RowStride + h * HeadWidth + c</c>. Packed qkv is three of these over one buffer. With
/// windows, b is an image and t a token of it, row by row.
/// </summary>
/// <param name="Data">Where token 0 of batch entry 0 begins.</param>
/// <param name="RowStride">Elements from token to token.</param>
/// <param name="BatchStride">Elements from batch entry to batch entry.</param>
/// <param name="Outside">
/// Of keys and values, where windows hang over the edge: the token outside the image, [Heads HeadWidth]. Of their
/// gradients, the sum over all such tokens; none if not wanted.
/// </param>
public readonly record struct Tokens(View Data, long RowStride, long BatchStride, View Outside = default);

/// <summary>
/// Tables of decomposed relative positions (SAM, section "decomposed relative position" of its encoder; MViTv2 eq. 4):
/// <c>Height [2 GridHeight - 1, HeadWidth]</c>, <c>Width [2 GridWidth - 1, HeadWidth]</c>, shared by all heads. Added
/// to the logit of query (y, x) and key (y', x'), with q not scaled:
/// <c>q . Height[y - y' + GridHeight - 1] + q . Width[x - x' + GridWidth - 1]</c>.
/// </summary>
public readonly record struct RelativePositions(View Height, View Width)
{
    /// <summary>True where the attention has none.</summary>
    public bool IsNone => Height.IsNone;
}

/// <summary>Softmax attention that never stores the Queries x Keys matrix.</summary>
public interface IAttention
{
    /// <summary>
    /// y = softmax(scale q k^T + relative positions) v. <paramref name="logSumExp"/> [Batch, Heads, Queries] receives
    /// each row's log of the sum of exponentials, for the backward pass; none if not wanted. Where <see cref="CanRound"/>, y
    /// may have the type in which a product takes it, and q, k and v together, with what is outside, may too: the same bits.
    /// </summary>
    void Forward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp);

    /// <summary>
    /// Whether y can be stored, and q, k and v read, in the type in which a product takes them (<see
    /// cref="IMatmul.TypeOfA"/>).
    /// </summary>
    bool CanRound(AttentionShape shape, RelativePositions positions);

    /// <summary>
    /// Gradients of q, k, v and, where <paramref name="dPositions"/> is given, of the two tables (summed over batch,
    /// heads and queries); where they have a view for it, of the key and the value outside. Probabilities are
    /// recomputed from <paramref name="logSumExp"/>.
    /// </summary>
    void Backward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions);
}
