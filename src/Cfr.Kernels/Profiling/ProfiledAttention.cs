namespace Cfr.Kernels.Profiling;

/// <summary>
/// <see cref="IAttention"/> with its time and cost noted.
/// The backward pass has five products where the forward pass has two; what is computed again is not counted.
/// </summary>
sealed class ProfiledAttention(IAttention attention, Profiler profiler) : IAttention
{
    const double ProductsOfBackwardPerForward = 2.5;

    public void Forward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp)
    {
        double bytes = Queries(shape, q) + Queries(shape, y) + Keys(shape, k) + Keys(shape, v) + Tables(positions)
            + View.Bytes(logSumExp, k.Outside, v.Outside);
        using (profiler.Call("attention forward", Sizes(shape), shape.Flop, bytes))
            attention.Forward(shape, q, k, v, positions, y, logSumExp);
    }

    public bool CanRound(AttentionShape shape, RelativePositions positions) => attention.CanRound(shape, positions);

    public void Backward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        // q, y, dy, dq; k, v, dk, dv
        double bytes = 4 * Queries(shape, q) + 4 * Keys(shape, k) + Tables(positions) + Tables(dPositions)
            + View.Bytes(logSumExp, k.Outside, v.Outside, dk.Outside, dv.Outside);
        using (profiler.Call("attention backward", Sizes(shape), ProductsOfBackwardPerForward * shape.Flop, bytes))
            attention.Backward(shape, q, k, v, positions, y, logSumExp, dy, dq, dk, dv, dPositions);
    }

    static double Queries(AttentionShape s, Tokens of) =>
        of.Data.Type.Bytes() * (double)s.Results * s.Heads * s.HeadWidth;

    /// <summary>In windows, keys are the queries' tokens.</summary>
    static double Keys(AttentionShape s, Tokens of) => s.IsWindowed
        ? Queries(s, of)
        : of.Data.Type.Bytes() * (double)s.Batch * s.Heads * s.Keys * s.HeadWidth;

    static double Tables(RelativePositions positions) => View.Bytes(positions.Height, positions.Width);

    static string Sizes(AttentionShape s) => $"{s.Batch}x{s.Heads}x{s.Queries}x{s.HeadWidth}, {s.Keys} keys";
}
