namespace Cfr.Kernels;

/// <summary>
/// A parameter of an SGD step; <c>Momentum</c> is its momentum buffer, none without momentum; <c>Average</c> its moving
/// average, none if there is none to keep.
/// </summary>
public readonly record struct SgdSlot(View Parameter, View Gradient, View Momentum, View Average = default);

/// <summary>
/// PyTorch's SGD: g += WeightDecay p; m = Momentum m + g (m = g at the first step); p -= LearningRate m. Then, where a
/// slot has one, average = AverageDecay average + (1 - AverageDecay) p.
/// </summary>
public readonly record struct SgdStep(
    float LearningRate, float Momentum, float WeightDecay, bool FirstStep, float AverageDecay = 0);

/// <summary>A parameter of an AdamW step with its two moments and, if one is kept, its moving average.</summary>
public readonly record struct AdamWSlot(
    View Parameter, View Gradient, View FirstMoment, View SecondMoment, View Average = default);

/// <summary>
/// AdamW (Loshchilov 2019) at step <c>Step</c> = 1, 2, ...: p *= 1 - LearningRate WeightDecay; m = Beta1 m + (1 -
/// Beta1) g; v = Beta2 v + (1 - Beta2) g^2; p -= LearningRate / (1 - Beta1^t) m / (sqrt(v) / sqrt(1 - Beta2^t) +
/// Epsilon). Then the moving average, as in <see cref="SgdStep"/>.
/// </summary>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, int Step, float AverageDecay = 0);

/// <summary>A value and its moving average.</summary>
public readonly record struct EmaSlot(View Average, View Value);

/// <summary>Optimiser steps, each over all parameters of a group in one call.</summary>
public interface IOptimizers
{
    /// <summary>One step of SGD.</summary>
    void Sgd(SgdStep step, ReadOnlySpan<SgdSlot> slots);

    /// <summary>One step of AdamW.</summary>
    void AdamW(AdamWStep step, ReadOnlySpan<AdamWSlot> slots);

    /// <summary>average = decay average + (1 - decay) value.</summary>
    void Ema(float decay, ReadOnlySpan<EmaSlot> slots);
}
