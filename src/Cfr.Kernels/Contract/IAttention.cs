namespace Cfr.Kernels;

/// <summary>
/// Sizes of an attention: every batch entry and head has <c>Queries</c> rows of <c>HeadWidth</c> against <c>Keys</c>
/// rows. With relative positions, queries and keys are the same <c>GridHeight x GridWidth</c> grid, row-major.
/// </summary>
public readonly record struct AttentionShape(
    int Batch, int Heads, int Queries, int Keys, int HeadWidth, float Scale, int GridHeight = 0, int GridWidth = 0)
{
    /// <summary>Multiply-adds of the two products, times 2.</summary>
    public double Flop => 4.0 * Batch * Heads * Queries * Keys * HeadWidth;
}

/// <summary>
/// Rows of tokens inside a view: component c of head h of token t of batch entry b lies at
/// <c>b * BatchStride + t * RowStride + h * HeadWidth + c</c>. Packed qkv is three of these over one buffer.
/// </summary>
public readonly record struct Tokens(View Data, long RowStride, long BatchStride);

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
    /// each row's log of the sum of exponentials, for the backward pass; none if not wanted.
    /// </summary>
    void Forward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp);

    /// <summary>
    /// Gradients of q, k, v and, where <paramref name="dPositions"/> is given, of the two tables (summed over batch,
    /// heads and queries). Probabilities are recomputed from <paramref name="logSumExp"/>.
    /// </summary>
    void Backward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions);
}
