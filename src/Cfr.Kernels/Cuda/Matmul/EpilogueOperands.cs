using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What an epilogue reads and writes. C, pre-activation and residual are laid out alike.</summary>
struct EpilogueOperands
{
    public long C, Bias, PreActivation, Residual;

    /// <summary>1, or 0 where there is no bias: then its address holds zeros.</summary>
    public int BiasStep;

    /// <summary>Finishes the sums of neighbouring columns, the first of them at this place of C.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TEpilogue, V>(EpilogueOperands o, long at, int column, V sum)
        where TEpilogue : struct, IEpilogue where V : struct, IDeviceVector<V>
    {
        V x = sum;
        if (TEpilogue.HasBias) x += V.LoadFrom(o.Bias + (long)column * o.BiasStep * sizeof(float));
        if (TEpilogue.KeepsPreActivation) x.StoreTo(o.PreActivation + at * sizeof(float));
        x = TEpilogue.Activate(x);
        if (TEpilogue.HasResidual) x += V.LoadFrom(o.Residual + at * sizeof(float));
        x.StoreTo(o.C + at * sizeof(float));
    }
}
