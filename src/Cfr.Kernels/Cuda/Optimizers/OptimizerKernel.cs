using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of an optimiser's step. The numbers of the step lie in device memory, before the table. New ones are a
/// copy from the host, which no capture takes: a step can be recorded only with the list and the numbers that its table
/// holds already, and a replay takes those that the table holds by then.
/// </summary>
struct OptimizerArguments
{
    public long Factors, Chunks;
    public int Count;
}

/// <summary>What an optimiser does with a vector of a parameter; the struct holds its factors.</summary>
interface IOptimizerRule<TRule> where TRule : struct, IOptimizerRule<TRule>
{
    /// <summary>The rule with the factors that lie there.</summary>
    static abstract TRule Read(long factors);

    /// <summary>The step of one vector, at so many bytes of a chunk.</summary>
    void Step<V>(SlotChunk chunk, long at) where V : struct, IDeviceVector<V>;
}

/// <summary>The factors of SGD and AdamW: those of the rule, then those of the average.</summary>
struct WithAverage<TFactors>(TFactors rule, AverageFactors average) where TFactors : unmanaged
{
    public TFactors Rule = rule;
    public AverageFactors Average = average;
}

/// <summary>See <see cref="SgdRule"/>.</summary>
unsafe struct SgdOfChunk(WithAverage<SgdFactors> factors) : IOptimizerRule<SgdOfChunk>
{
    WithAverage<SgdFactors> _f = factors;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SgdOfChunk Read(long factors) => new(*(WithAverage<SgdFactors>*)factors);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(SlotChunk chunk, long at) where V : struct, IDeviceVector<V>
    {
        V p = V.LoadFrom(chunk.Parameter + at), m = SgdRule.Gradient(_f.Rule, p, V.LoadFrom(chunk.Gradient + at));
        if (chunk.First != 0)
        {
            m = SgdRule.Momentum(_f.Rule, V.LoadFrom(chunk.First + at), m);
            m.StoreTo(chunk.First + at);
        }
        p = SgdRule.Parameter(_f.Rule, p, m);
        p.StoreTo(chunk.Parameter + at);
        OptimizerKernel.Average(_f.Average, chunk.Average, at, p);
    }
}

/// <summary>See <see cref="AdamWRule"/>.</summary>
unsafe struct AdamWOfChunk(WithAverage<AdamWFactors> factors) : IOptimizerRule<AdamWOfChunk>
{
    WithAverage<AdamWFactors> _f = factors;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AdamWOfChunk Read(long factors) => new(*(WithAverage<AdamWFactors>*)factors);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(SlotChunk chunk, long at) where V : struct, IDeviceVector<V>
    {
        V p = V.LoadFrom(chunk.Parameter + at), g = V.LoadFrom(chunk.Gradient + at);
        V m = V.LoadFrom(chunk.First + at), v = V.LoadFrom(chunk.Second + at);
        m = AdamWRule.First(_f.Rule, m, g);
        v = AdamWRule.Second(_f.Rule, v, g);
        m.StoreTo(chunk.First + at);
        v.StoreTo(chunk.Second + at);
        p = AdamWRule.Parameter(_f.Rule, p, m, v);
        p.StoreTo(chunk.Parameter + at);
        OptimizerKernel.Average(_f.Average, chunk.Average, at, p);
    }
}

/// <summary>The average alone.</summary>
unsafe struct AverageOfChunk(AverageFactors factors) : IOptimizerRule<AverageOfChunk>
{
    readonly AverageFactors _f = factors;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AverageOfChunk Read(long factors) => new(*(AverageFactors*)factors);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(SlotChunk chunk, long at) where V : struct, IDeviceVector<V> =>
        OptimizerKernel.Average(_f, chunk.Average, at, V.LoadFrom(chunk.Parameter + at));
}

/// <summary>
/// A step of all parameters in one launch: a block takes chunk after chunk from the table. Bound by memory: SGD moves
/// 20 bytes a parameter (12 without momentum), AdamW 28, the average 8 more in the same pass and 12 alone.
/// </summary>
static unsafe class OptimizerKernel
{
    public static void Step<TRule>(OptimizerArguments a) where TRule : struct, IOptimizerRule<TRule>
    {
        TRule rule = TRule.Read(a.Factors);
        for (int i = Grid.IdxX; i < a.Count; i += Grid.DimX)
        {
            SlotChunk chunk = ((SlotChunk*)a.Chunks)[i];
            int count = (int)chunk.Count;
            long addresses = chunk.Parameter | chunk.Gradient | chunk.First | chunk.Second | chunk.Average;
            int packets = (addresses & 15) == 0 ? count / 4 : 0;
            for (int k = Group.IdxX; k < packets; k += Group.DimX) rule.Step<FourLanes>(chunk, 16L * k);
            for (int k = 4 * packets + Group.IdxX; k < count; k += Group.DimX)
                rule.Step<Lane>(chunk, 4L * k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Average<V>(AverageFactors f, long average, long at, V value) where V : struct, IDeviceVector<V>
    {
        if (average != 0) AverageFactors.Apply(f, V.LoadFrom(average + at), value).StoreTo(average + at);
    }
}
