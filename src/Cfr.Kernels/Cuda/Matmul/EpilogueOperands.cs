using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What an epilogue reads and writes. C, pre-activation and residual are laid out alike.</summary>
struct EpilogueOperands
{
    /// <summary>Addresses. That of the bias is 0 where there is none.</summary>
    public long C, Bias, PreActivation, Residual;

    /// <summary>Finishes the sums of neighbouring columns, the first of them at this place of C.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TEpilogue, V>(EpilogueOperands o, long at, int column, V sum)
        where TEpilogue : struct, IEpilogue where V : struct, IDeviceVector<V>
    {
        V x = sum;
        if (TEpilogue.HasBias && o.Bias != 0) x += V.LoadFrom(o.Bias + (long)column * sizeof(float));
        if (TEpilogue.KeepsPreActivation) x.StoreTo(o.PreActivation + at * sizeof(float));
        x = TEpilogue.Activate(x);
        if (TEpilogue.HasResidual) x += V.LoadFrom(o.Residual + at * sizeof(float));
        x.StoreTo(o.C + at * sizeof(float));
    }
}
