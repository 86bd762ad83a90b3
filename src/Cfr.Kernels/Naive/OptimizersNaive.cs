using System.Numerics;

namespace Cfr.Kernels;

/// <summary>Optimiser steps, one parameter at a time.</summary>
static class OptimizersNaive
{
    /// <summary>g += WeightDecay p; m = Momentum m + g (m = g at the first step); p -= LearningRate m</summary>
    public static void Sgd<T>(SgdStep step, Span<T> parameter, ReadOnlySpan<T> gradient, Span<T> momentum)
        where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < parameter.Length; i++)
        {
            T m = gradient[i] + T.CreateChecked(step.WeightDecay) * parameter[i];
            if (!momentum.IsEmpty)
            {
                if (!step.FirstStep) m += T.CreateChecked(step.Momentum) * momentum[i];
                momentum[i] = m;
            }
            parameter[i] -= T.CreateChecked(step.LearningRate) * m;
        }
    }

    /// <summary>The formulas of <see cref="AdamWStep"/>.</summary>
    public static void AdamW<T>(
        AdamWStep step, Span<T> parameter, ReadOnlySpan<T> gradient, Span<T> firstMoment, Span<T> secondMoment)
        where T : IFloatingPointIeee754<T>
    {
        T rate = T.CreateChecked(step.LearningRate), power = T.CreateChecked(step.Step);
        T beta1 = T.CreateChecked(step.Beta1), beta2 = T.CreateChecked(step.Beta2);
        T correction1 = T.One - T.Pow(beta1, power), correction2 = T.One - T.Pow(beta2, power);
        for (int i = 0; i < parameter.Length; i++)
        {
            T g = gradient[i];
            parameter[i] *= T.One - rate * T.CreateChecked(step.WeightDecay);
            T m = firstMoment[i] = beta1 * firstMoment[i] + (T.One - beta1) * g;
            T v = secondMoment[i] = beta2 * secondMoment[i] + (T.One - beta2) * g * g;
            parameter[i] -= rate / correction1 * m / (T.Sqrt(v) / T.Sqrt(correction2) + T.CreateChecked(step.Epsilon));
        }
    }

    /// <summary>average = decay average + (1 - decay) value</summary>
    public static void Ema<T>(T decay, Span<T> average, ReadOnlySpan<T> value) where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < average.Length; i++) average[i] = decay * average[i] + (T.One - decay) * value[i];
    }
}
