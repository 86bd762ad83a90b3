using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Optimiser steps on runs of elements. All are bound by memory: SGD moves 20 bytes a parameter (12 without momentum),
/// AdamW 28, the moving average 12.
/// </summary>
static unsafe class OptimizerKernel<V> where V : struct, IVector<V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sgd(SgdFactors step, float* parameter, float* gradient, long count)
    {
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) Sgd<V>(step, parameter + i, gradient + i);
        for (; i < count; i++) Sgd<Lanes1>(step, parameter + i, gradient + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sgd(SgdFactors step, float* parameter, float* gradient, float* momentum, long count)
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
        var f = new AverageFactors(decay);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) Ema<V>(f, average + i, value + i);
        for (; i < count; i++) Ema<Lanes1>(f, average + i, value + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Sgd<U>(SgdFactors f, float* parameter, float* gradient) where U : struct, IVector<U>
    {
        U p = U.Load(parameter);
        SgdRule.Parameter(f, p, SgdRule.Gradient(f, p, U.Load(gradient))).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Sgd<U>(SgdFactors f, float* parameter, float* gradient, float* momentum) where U : struct, IVector<U>
    {
        U p = U.Load(parameter), m = SgdRule.Momentum(f, U.Load(momentum), SgdRule.Gradient(f, p, U.Load(gradient)));
        m.Store(momentum);
        SgdRule.Parameter(f, p, m).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AdamW<U>(AdamWFactors f, float* parameter, float* gradient, float* first, float* second)
        where U : struct, IVector<U>
    {
        U g = U.Load(gradient), m = AdamWRule.First(f, U.Load(first), g), v = AdamWRule.Second(f, U.Load(second), g);
        m.Store(first);
        v.Store(second);
        AdamWRule.Parameter(f, U.Load(parameter), m, v).Store(parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Ema<U>(AverageFactors f, float* average, float* value) where U : struct, IVector<U> =>
        AverageFactors.Apply(f, U.Load(average), U.Load(value)).Store(average);
}
