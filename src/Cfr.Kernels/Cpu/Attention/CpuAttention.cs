namespace Cfr.Kernels.Cpu;

/// <summary>Softmax attention: <see cref="AttentionForward{V}"/> and <see cref="AttentionBackward{V}"/>.</summary>
sealed unsafe class CpuAttention<V>(Threads threads, BufferPool pool) : IAttention where V : struct, IVector<V>
{
    public void Forward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp)
    {
        if (shape.Batch * shape.Heads == 0 || shape.Queries == 0) return;
        RelativeLogits<V>? relative = positions.IsNone ? null : new(shape, positions, false, pool);
        new AttentionForward<V>(threads, pool, shape, q, k, v, relative, y, logSumExp).Run();
        relative?.Release();
    }

    public bool CanRound(AttentionShape shape, RelativePositions positions) => false;

    public void Backward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        RelativeLogits<V>? relative = positions.IsNone ? null : new(shape, positions, true, pool);
        new AttentionBackward<V>(
            threads, pool, shape, q, k, v, relative, y, logSumExp, dy, dq, dk, dv, dPositions).Run();
        relative?.Release();
    }
}
