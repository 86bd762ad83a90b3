using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// What becomes of sums: the same on all devices. Constants say which operands there are, so that a loop compiled for
/// an epilogue has no branches:
/// <code>x = sum + bias;  pre-activation = x;  C = act(x) + residual</code>
/// <c>C += AB</c> is the form whose residual is C.
/// </summary>
interface IEpilogue
{
    static abstract bool HasBias { get; }

    static abstract bool KeepsPreActivation { get; }

    static abstract bool HasResidual { get; }

    static abstract V Activate<V>(V x) where V : struct, IVector<V>;
}

/// <summary>C = AB</summary>
readonly struct Plain : IEpilogue
{
    public static bool HasBias => false;

    public static bool KeepsPreActivation => false;

    public static bool HasResidual => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Activate<V>(V x) where V : struct, IVector<V> => x;
}

/// <summary>C = act(AB + bias) and, where they are given, pre-activation and residual.</summary>
readonly struct Finished<TActivation, TPreActivation, TResidual> : IEpilogue
    where TActivation : struct, IActivation where TPreActivation : struct, IPresence where TResidual : struct, IPresence
{
    public static bool HasBias => true;

    public static bool KeepsPreActivation => TPreActivation.IsGiven;

    public static bool HasResidual => TResidual.IsGiven;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Activate<V>(V x) where V : struct, IVector<V> => TActivation.Apply(x);
}

/// <summary>Whether there is an operand.</summary>
interface IPresence
{
    static abstract bool IsGiven { get; }
}

/// <summary>There is.</summary>
readonly struct Given : IPresence
{
    public static bool IsGiven => true;
}

/// <summary>There is not.</summary>
readonly struct Absent : IPresence
{
    public static bool IsGiven => false;
}

/// <summary>Code that wants an epilogue, such as the last loop of a kernel, and what it works on.</summary>
interface IEpilogueLoop<TState>
{
    static abstract void Run<TEpilogue>(TState state) where TEpilogue : struct, IEpilogue;
}

/// <summary>Chooses among the epilogues, once, before a loop: the loop itself is compiled for each.</summary>
static class EpilogueForm
{
    /// <summary>C = AB.</summary>
    public const int Plain = 0;

    const int Finished = 1, PerActivation = 4, Keeps = 1, HasResidual = 2;

    /// <summary>The number of the form that does what is asked.</summary>
    public static int Of(Epilogue epilogue)
    {
        int operands = PerActivation * (int)epilogue.Activation + (epilogue.PreActivation.IsNone ? 0 : Keeps)
            + (epilogue.Residual.IsNone && !epilogue.Accumulate ? 0 : HasResidual);
        return operands == 0 && epilogue.Bias.IsNone ? Plain : Finished + operands;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TLoop, TState>(int form, TState state) where TLoop : struct, IEpilogueLoop<TState>
    {
        switch (form)
        {
            case 0: TLoop.Run<Kernels.Plain>(state); break;
            case 1: TLoop.Run<Kernels.Finished<NoActivation, Absent, Absent>>(state); break;
            case 2: TLoop.Run<Kernels.Finished<NoActivation, Given, Absent>>(state); break;
            case 3: TLoop.Run<Kernels.Finished<NoActivation, Absent, Given>>(state); break;
            case 4: TLoop.Run<Kernels.Finished<NoActivation, Given, Given>>(state); break;
            case 5: TLoop.Run<Kernels.Finished<Relu, Absent, Absent>>(state); break;
            case 6: TLoop.Run<Kernels.Finished<Relu, Given, Absent>>(state); break;
            case 7: TLoop.Run<Kernels.Finished<Relu, Absent, Given>>(state); break;
            case 8: TLoop.Run<Kernels.Finished<Relu, Given, Given>>(state); break;
            case 9: TLoop.Run<Kernels.Finished<Gelu, Absent, Absent>>(state); break;
            case 10: TLoop.Run<Kernels.Finished<Gelu, Given, Absent>>(state); break;
            case 11: TLoop.Run<Kernels.Finished<Gelu, Absent, Given>>(state); break;
            case 12: TLoop.Run<Kernels.Finished<Gelu, Given, Given>>(state); break;
        }
    }
}
