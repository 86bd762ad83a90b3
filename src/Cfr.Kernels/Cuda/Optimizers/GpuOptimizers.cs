namespace Cfr.Kernels.Cuda;

/// <summary>Optimiser steps over all parameters of a group, a launch each.</summary>
sealed class GpuOptimizers : IOptimizers
{
    static readonly Kernel<OptimizerArguments> SgdKernel = new("sgd", OptimizerKernel.Step<SgdOfChunk>);
    static readonly Kernel<OptimizerArguments> AdamWKernel = new("adamw", OptimizerKernel.Step<AdamWOfChunk>);
    static readonly Kernel<OptimizerArguments> EmaKernel = new("moving_average", OptimizerKernel.Step<AverageOfChunk>);

    readonly GpuDevice _gpu;
    readonly SlotTables<SgdSlot> _sgd;
    readonly SlotTables<AdamWSlot> _adamW;
    readonly SlotTables<EmaSlot> _ema;

    public GpuOptimizers(GpuDevice gpu)
    {
        _gpu = gpu;
        _sgd = new SlotTables<SgdSlot>(gpu, slot => new SlotChunk
        {
            Parameter = slot.Parameter.Address,
            Gradient = slot.Gradient.Address,
            First = slot.Momentum.Address,
            Average = slot.Average.Address,
            Count = slot.Parameter.Count,
        });
        _adamW = new SlotTables<AdamWSlot>(gpu, slot => new SlotChunk
        {
            Parameter = slot.Parameter.Address,
            Gradient = slot.Gradient.Address,
            First = slot.FirstMoment.Address,
            Second = slot.SecondMoment.Address,
            Average = slot.Average.Address,
            Count = slot.Parameter.Count,
        });
        _ema = new SlotTables<EmaSlot>(gpu, slot => new SlotChunk
        {
            Parameter = slot.Value.Address,
            Average = slot.Average.Address,
            Count = slot.Average.Count,
        });
    }

    public void Sgd(SgdStep step, ReadOnlySpan<SgdSlot> slots)
    {
        var factors = new WithAverage<SgdFactors>(new SgdFactors(step), new AverageFactors(step.AverageDecay));
        Launch(SgdKernel, _sgd.Of(slots, factors));
    }

    public void AdamW(AdamWStep step, ReadOnlySpan<AdamWSlot> slots)
    {
        var factors = new WithAverage<AdamWFactors>(new AdamWFactors(step), new AverageFactors(step.AverageDecay));
        Launch(AdamWKernel, _adamW.Of(slots, factors));
    }

    public void Ema(float decay, ReadOnlySpan<EmaSlot> slots) =>
        Launch(EmaKernel, _ema.Of(slots, new AverageFactors(decay)));

    void Launch<TSlot>(Kernel<OptimizerArguments> kernel, SlotTables<TSlot>.Table? table)
        where TSlot : struct, IEquatable<TSlot>
    {
        if (table is null) return;
        long factors = table.Buffer.Address;
        _gpu.Launch(
            kernel,
            new OptimizerArguments
            {
                Factors = factors,
                Chunks = factors + SlotTables<TSlot>.FactorBytes,
                Count = table.Chunks,
            },
            Math.Min(table.Chunks, _gpu.FullGrid));
    }
}
