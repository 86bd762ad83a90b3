namespace Cfr.Kernels.Cpu;

/// <summary>
/// Optimiser steps over a list of parameters: threads take pieces of fixed size from all elements in a row, so that one
/// large and many small parameters are shared evenly.
/// </summary>
sealed unsafe class CpuOptimizers<V>(Threads threads) : IOptimizers where V : struct, IVector<V>
{
    const long Piece = 1 << 14;

    delegate void Run<TSlot>(in TSlot slot, long start, long count);

    public void Sgd(SgdStep step, ReadOnlySpan<SgdSlot> slots)
    {
        var factors = new SgdFactors(step);
        ForEach(slots, static slot => slot.Parameter.Count, (in slot, start, count) =>
        {
            float* parameter = slot.Parameter.Floats + start, gradient = slot.Gradient.Floats + start;
            if (slot.Momentum.IsNone)
                OptimizerKernel<V>.Sgd(factors, parameter, gradient, count);
            else
                OptimizerKernel<V>.Sgd(factors, parameter, gradient, slot.Momentum.Floats + start, count);
            Average(step.AverageDecay, slot.Average, parameter, start, count);
        });
    }

    public void AdamW(AdamWStep step, ReadOnlySpan<AdamWSlot> slots)
    {
        var factors = new AdamWFactors(step);
        ForEach(slots, static slot => slot.Parameter.Count, (in slot, start, count) =>
        {
            float* parameter = slot.Parameter.Floats + start;
            OptimizerKernel<V>.AdamW(
                factors, parameter, slot.Gradient.Floats + start, slot.FirstMoment.Floats + start,
                slot.SecondMoment.Floats + start, count);
            Average(step.AverageDecay, slot.Average, parameter, start, count);
        });
    }

    /// <summary>Moves the average of a piece while the piece is in the cache.</summary>
    static void Average(float decay, View average, float* parameter, long start, long count)
    {
        if (!average.IsNone) OptimizerKernel<V>.Ema(decay, average.Floats + start, parameter, count);
    }

    public void Ema(float decay, ReadOnlySpan<EmaSlot> slots) =>
        ForEach(slots, static slot => slot.Average.Count, (in slot, start, count) =>
            OptimizerKernel<V>.Ema(decay, slot.Average.Floats + start, slot.Value.Floats + start, count));

    void ForEach<TSlot>(ReadOnlySpan<TSlot> slots, Func<TSlot, long> size, Run<TSlot> run) where TSlot : unmanaged
    {
        long total = 0;
        foreach (ref readonly TSlot slot in slots) total += size(slot);
        fixed (TSlot* pinned = slots)
        {
            TSlot* first = pinned;
            int slotCount = slots.Length;
            threads.For(total, Piece, (begin, end) =>
            {
                long slotBegin = 0;
                for (int i = 0; i < slotCount && slotBegin < end; i++)
                {
                    long slotEnd = slotBegin + size(first[i]);
                    long from = Math.Max(begin, slotBegin), to = Math.Min(end, slotEnd);
                    if (from < to) run(first[i], from - slotBegin, to - from);
                    slotBegin = slotEnd;
                }
            });
        }
    }
}
