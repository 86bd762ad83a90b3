namespace Cfr.Kernels.Profiling;

/// <summary>
/// <see cref="IOptimizers"/> with its time and cost noted.
/// What a step changes in place is an input and an output.
/// </summary>
sealed class ProfiledOptimizers(IOptimizers optimizers, Profiler profiler) : IOptimizers
{
    public void Sgd(SgdStep step, ReadOnlySpan<SgdSlot> slots)
    {
        double bytes = 0;
        foreach (SgdSlot slot in slots)
            bytes += View.Bytes(slot.Gradient) + 2 * View.Bytes(slot.Parameter, slot.Momentum, slot.Average);
        using (profiler.Call("sgd", Sizes(slots.Length), 0, bytes))
            optimizers.Sgd(step, slots);
    }

    public void AdamW(AdamWStep step, ReadOnlySpan<AdamWSlot> slots)
    {
        double bytes = 0;
        foreach (AdamWSlot slot in slots)
            bytes += View.Bytes(slot.Gradient)
                + 2 * View.Bytes(slot.Parameter, slot.FirstMoment, slot.SecondMoment, slot.Average);
        using (profiler.Call("adamw", Sizes(slots.Length), 0, bytes))
            optimizers.AdamW(step, slots);
    }

    public void Ema(float decay, ReadOnlySpan<EmaSlot> slots)
    {
        double bytes = 0;
        foreach (EmaSlot slot in slots) bytes += View.Bytes(slot.Value) + 2 * View.Bytes(slot.Average);
        using (profiler.Call("moving average", Sizes(slots.Length), 0, bytes))
            optimizers.Ema(decay, slots);
    }

    static string Sizes(int tensors) => $"{tensors} tensors";
}
