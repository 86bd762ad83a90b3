namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuLosses<V>(Threads threads, BufferPool pool) : ILosses where V : struct, IVector<V>
{
    public void SegmentationForward(SegmentationLossShape shape, View logits, View labels, View values, View sums) => throw new NotSupportedException();

    public void SegmentationBackward(SegmentationLossShape shape, View logits, View labels, View sums, View dLoss, View dLogits) => throw new NotSupportedException();
}
