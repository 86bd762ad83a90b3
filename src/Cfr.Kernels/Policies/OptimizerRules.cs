using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>The numbers of an SGD step.</summary>
readonly struct SgdFactors(SgdStep step)
{
    public readonly float LearningRate = step.LearningRate;
    public readonly float Momentum = step.Momentum;
    public readonly float WeightDecay = step.WeightDecay;

    /// <summary>1 where the momentum buffer holds nothing yet.</summary>
    public readonly float FirstStep = step.FirstStep ? 1 : 0;
}

/// <summary>g += WeightDecay p; m = Momentum m + g (m = g at the first step); p -= LearningRate m</summary>
static class SgdRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Gradient<V>(SgdFactors f, V p, V g) where V : struct, IVector<V> =>
        V.MultiplyAdd(V.Splat(f.WeightDecay), p, g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Momentum<V>(SgdFactors f, V m, V g) where V : struct, IVector<V> =>
        f.FirstStep != 0 ? g : V.MultiplyAdd(V.Splat(f.Momentum), m, g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Parameter<V>(SgdFactors f, V p, V m) where V : struct, IVector<V> =>
        V.MultiplyAdd(V.Splat(-f.LearningRate), m, p);
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

/// <summary>The formulas of <see cref="AdamWStep"/>: both moments, then the parameter from them.</summary>
static class AdamWRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First<V>(AdamWFactors f, V m, V g) where V : struct, IVector<V> =>
        V.MultiplyAdd(V.Splat(f.Beta1), m, V.Splat(f.OneMinusBeta1) * g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Second<V>(AdamWFactors f, V v, V g) where V : struct, IVector<V> =>
        V.MultiplyAdd(V.Splat(f.Beta2), v, V.Splat(f.OneMinusBeta2) * g * g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Parameter<V>(AdamWFactors f, V p, V m, V v) where V : struct, IVector<V>
    {
        V deviation = V.MultiplyAdd(V.Sqrt(v), V.Splat(f.DeviationFactor), V.Splat(f.Epsilon));
        return p * V.Splat(f.Decay) - V.Splat(f.StepSize) * m / deviation;
    }
}

/// <summary>average = decay average + (1 - decay) value</summary>
readonly struct AverageFactors(float decay)
{
    public readonly float Decay = decay;
    public readonly float Share = (float)(1 - (double)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V>(AverageFactors f, V average, V value) where V : struct, IVector<V> =>
        V.MultiplyAdd(V.Splat(f.Share), value, V.Splat(f.Decay) * average);
}
