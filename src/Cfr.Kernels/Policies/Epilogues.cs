using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>
/// Addresses that an epilogue reads and writes; C, PreActivation and Residual are laid out alike. Those it does not use
/// are 0.
/// </summary>
struct EpilogueOperands
{
    public long C, Bias, PreActivation, Residual;

    /// <summary>1, or 0 where all columns share the bias at its address: a zero, where there is none.</summary>
    public int BiasStep;
}

/// <summary>What becomes of sums: the innermost part of every product's last loop, the same on all devices.</summary>
interface IEpilogue
{
    /// <summary>Finishes the sums of neighbouring columns, the first of them at this place of C.</summary>
    static abstract void Store<V>(EpilogueOperands operands, long at, int column, V sum) where V : struct, IVector<V>;
}

/// <summary>C = AB</summary>
readonly unsafe struct Assigned : IEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(EpilogueOperands o, long at, int column, V sum) where V : struct, IVector<V> =>
        sum.Store((float*)o.C + at);
}

/// <summary>C += AB</summary>
readonly unsafe struct Added : IEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(EpilogueOperands o, long at, int column, V sum) where V : struct, IVector<V> =>
        (V.Load((float*)o.C + at) + sum).Store((float*)o.C + at);
}

/// <summary>C = act(AB + bias) + residual, with or without keeping AB + bias.</summary>
readonly unsafe struct Finished<TActivation, TPreActivation, TResidual> : IEpilogue
    where TActivation : struct, IActivation where TPreActivation : struct, IOptional where TResidual : struct, IOptional
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(EpilogueOperands o, long at, int column, V sum) where V : struct, IVector<V>
    {
        V x = sum + V.Load((float*)o.Bias + (long)column * o.BiasStep);
        TPreActivation.Write(x, (float*)o.PreActivation + at);
        TResidual.Add(TActivation.Apply(x), (float*)o.Residual + at).Store((float*)o.C + at);
    }
}

/// <summary>An operand that an epilogue has or has not.</summary>
unsafe interface IOptional
{
    static abstract V Add<V>(V x, float* operand) where V : struct, IVector<V>;

    static abstract void Write<V>(V x, float* operand) where V : struct, IVector<V>;
}

/// <summary>It is there.</summary>
readonly unsafe struct Given : IOptional
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add<V>(V x, float* operand) where V : struct, IVector<V> => x + V.Load(operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<V>(V x, float* operand) where V : struct, IVector<V> => x.Store(operand);
}

/// <summary>It is not.</summary>
readonly unsafe struct Absent : IOptional
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add<V>(V x, float* operand) where V : struct, IVector<V> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<V>(V x, float* operand) where V : struct, IVector<V>
    {
    }
}

/// <summary>Code that wants an epilogue, such as the last loop of a kernel, and what it works on.</summary>
interface IEpilogueLoop<TState>
{
    static abstract void Run<TEpilogue>(TState state) where TEpilogue : struct, IEpilogue;
}

/// <summary>Chooses among the epilogues, once, before a loop: the loop itself is compiled for each.</summary>
static class EpilogueChoice
{
    const int Assign = 0, Add = 1, Finish = 2, PerActivation = 4, Keeps = 1, HasResidual = 2;

    /// <summary>The number of the form that does what is asked.</summary>
    public static int Of(Epilogue epilogue)
    {
        if (epilogue.Accumulate) return Add;
        int finish = Finish + PerActivation * (int)epilogue.Activation + (epilogue.PreActivation.IsNone ? 0 : Keeps)
            + (epilogue.Residual.IsNone ? 0 : HasResidual);
        return finish == Finish && epilogue.Bias.IsNone ? Assign : finish;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TLoop, TState>(int form, TState state) where TLoop : struct, IEpilogueLoop<TState>
    {
        switch (form)
        {
            case 0: TLoop.Run<Assigned>(state); break;
            case 1: TLoop.Run<Added>(state); break;
            case 2: TLoop.Run<Finished<NoActivation, Absent, Absent>>(state); break;
            case 3: TLoop.Run<Finished<NoActivation, Given, Absent>>(state); break;
            case 4: TLoop.Run<Finished<NoActivation, Absent, Given>>(state); break;
            case 5: TLoop.Run<Finished<NoActivation, Given, Given>>(state); break;
            case 6: TLoop.Run<Finished<Relu, Absent, Absent>>(state); break;
            case 7: TLoop.Run<Finished<Relu, Given, Absent>>(state); break;
            case 8: TLoop.Run<Finished<Relu, Absent, Given>>(state); break;
            case 9: TLoop.Run<Finished<Relu, Given, Given>>(state); break;
            case 10: TLoop.Run<Finished<Gelu, Absent, Absent>>(state); break;
            case 11: TLoop.Run<Finished<Gelu, Given, Absent>>(state); break;
            case 12: TLoop.Run<Finished<Gelu, Absent, Given>>(state); break;
            case 13: TLoop.Run<Finished<Gelu, Given, Given>>(state); break;
        }
    }
}
