using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Optimiser steps on runs of elements. All are bound by memory: SGD moves 20 bytes a parameter (12 without momentum),
/// AdamW 28, the moving average 12.
/// </summary>
static unsafe class OptimizerKernel<V> where V : struct, IVector<V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sgd(SgdStep step, float* parameter, float* gradient, long count)
    {
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) Sgd<V>(step, parameter + i, gradient + i);
        for (; i < count; i++) Sgd<Lanes1>(step, parameter + i, gradient + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sgd(SgdStep step, float* parameter, float* gradient, float* momentum, long count)
    {
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) Sgd<V>(step, parameter + i, gradient + i, momentum + i);
        for (; i < count; i++) Sgd<Lanes1>(step, parameter + i, gradient + i, momentum + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AdamW(in AdamWFactors factors, float* parameter, float* gradient, float* first, float* second,
        long count)
    {
        AdamWFactors f = factors;
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) AdamW<V>(f, parameter + i, gradient + i, first + i, second + i);
        for (; i < count; i++) AdamW<Lanes1>(f, parameter + i, gradient + i, first + i, second + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ema(float decay, float* average, float* value, long count)
    {
        float share = (float)(1 - (double)decay);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) Ema<V>(decay, share, average + i, value + i);
        for (; i < count; i++) Ema<Lanes1>(decay, share, average + i, value + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Sgd<U>(SgdStep step, float* parameter, float* gradient) where U : struct, IVector<U>
    {
        U p = U.Load(parameter), g = U.MultiplyAdd(U.Splat(step.WeightDecay), p, U.Load(gradient));
        U.MultiplyAdd(U.Splat(-step.LearningRate), g, p).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Sgd<U>(SgdStep step, float* parameter, float* gradient, float* momentum) where U : struct, IVector<U>
    {
        U p = U.Load(parameter), g = U.MultiplyAdd(U.Splat(step.WeightDecay), p, U.Load(gradient));
        U m = step.FirstStep ? g : U.MultiplyAdd(U.Splat(step.Momentum), U.Load(momentum), g);
        m.Store(momentum);
        U.MultiplyAdd(U.Splat(-step.LearningRate), m, p).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AdamW<U>(in AdamWFactors f, float* parameter, float* gradient, float* first, float* second)
        where U : struct, IVector<U>
    {
        U g = U.Load(gradient);
        U m = U.MultiplyAdd(U.Splat(f.Beta1), U.Load(first), U.Splat(f.OneMinusBeta1) * g);
        U v = U.MultiplyAdd(U.Splat(f.Beta2), U.Load(second), U.Splat(f.OneMinusBeta2) * g * g);
        m.Store(first);
        v.Store(second);
        U deviation = U.MultiplyAdd(U.Sqrt(v), U.Splat(f.DeviationFactor), U.Splat(f.Epsilon));
        U p = U.Load(parameter) * U.Splat(f.Decay);
        (p - U.Splat(f.StepSize) * m / deviation).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Ema<U>(float decay, float share, float* average, float* value) where U : struct, IVector<U> =>
        U.MultiplyAdd(U.Splat(share), U.Load(value), U.Splat(decay) * U.Load(average)).Store(average);
}

/// <summary>The numbers of an AdamW step, computed in double once.</summary>
readonly struct AdamWFactors(AdamWStep step)
{
    public readonly float Beta1 = step.Beta1;
    public readonly float OneMinusBeta1 = (float)(1 - (double)step.Beta1);
    public readonly float Beta2 = step.Beta2;
    public readonly float OneMinusBeta2 = (float)(1 - (double)step.Beta2);
    public readonly float Epsilon = step.Epsilon;

    /// <summary>1 - LearningRate WeightDecay</summary>
    public readonly float Decay = (float)(1 - (double)step.LearningRate * step.WeightDecay);

    /// <summary>LearningRate / (1 - Beta1^t)</summary>
    public readonly float StepSize = (float)(step.LearningRate / (1 - Math.Pow(step.Beta1, step.Step)));

    /// <summary>1 / sqrt(1 - Beta2^t)</summary>
    public readonly float DeviationFactor = (float)(1 / Math.Sqrt(1 - Math.Pow(step.Beta2, step.Step)));
}
