namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuOptimizers<V>(Threads threads) : IOptimizers where V : struct, IVector<V>
{
    public void Sgd(SgdStep step, ReadOnlySpan<SgdSlot> slots) => throw new NotSupportedException();

    public void AdamW(AdamWStep step, ReadOnlySpan<AdamWSlot> slots) => throw new NotSupportedException();

    public void Ema(float decay, ReadOnlySpan<EmaSlot> slots) => throw new NotSupportedException();
}
