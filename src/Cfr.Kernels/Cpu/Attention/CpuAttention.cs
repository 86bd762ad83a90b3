namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuAttention<V>(Threads threads, BufferPool pool) : IAttention where V : struct, IVector<V>
{
    public void Forward(AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp) => throw new NotSupportedException();

    public void Backward(AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp, Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions) => throw new NotSupportedException();
}
