using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>One line of a thread's sums, and what they are made of.</summary>
/// <typeparam name="TSelf">The sums.</typeparam>
/// <typeparam name="TInput">What a thread holds of a line of inputs.</typeparam>
/// <typeparam name="TWeights">What a thread holds of a tap's weights.</typeparam>
interface ILine<TSelf, TInput, TWeights> where TSelf : unmanaged where TInput : unmanaged where TWeights : unmanaged
{
    /// <summary>Output channels of a block.</summary>
    static abstract int Columns { get; }

    /// <summary>Inputs are taken in this many steps, 1 or 2, of 32 or 16 bytes of channels.</summary>
    static abstract int Steps { get; }

    /// <summary>Threads for each group of lines of a box of so many runs of 8 voxels along w.</summary>
    static abstract int Threads(int runs);

    static abstract HaloThread Begin(int thread, int lines, int height, int width);

    static abstract TInput Input(SharedBytes shared, uint at);

    static abstract TWeights Weights(SharedBytes shared, uint at);

    static abstract TSelf Multiply(SharedBytes shared, TSelf sums, TInput x, TWeights w);

    static abstract LineStore StoreOf(HaloStore store, int thread, int lines, int height, int width);

    static abstract void Store<TPairs>(LineStore store, TSelf sums, int line) where TPairs : struct, IPairStore;

    /// <summary>As of <see cref="IHaloSums{TSelf}"/>.</summary>
    static abstract int Pairs { get; }

    static abstract int BetweenPairs { get; }

    static abstract PairSums Add<TMoment>(LineStore store, TSelf sums, int line, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf;
}

/// <summary>
/// Four lines along h. What is loaded of a line of inputs meets the weights of all three taps along h: line i of inputs
/// belongs to output line i through the first, to i - 1 through the second, to i - 2 through the third. So there are 6
/// loads of inputs and 3 of weights for 12 products; tap by tap it would be 12 of inputs.
/// </summary>
struct Lines4<TLine, TInput, TWeights> : IHaloSums<Lines4<TLine, TInput, TWeights>>
    where TLine : unmanaged, ILine<TLine, TInput, TWeights> where TInput : unmanaged where TWeights : unmanaged
{
    public TLine L0, L1, L2, L3;

    public static int Lines => 4;

    public static int Columns => TLine.Columns;

    public static int Threads(int runs, int lines) => TLine.Threads(runs) * (lines / Lines);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int height, int width) => TLine.Begin(thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lines4<TLine, TInput, TWeights> Multiply(
        SharedBytes shared, Lines4<TLine, TInput, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        if (TLine.Steps == 1) return Step(shared, sums, x, lineBytes, weights);
        for (int step = 0; step < TLine.Steps; step++, weights += PackedWeights.BlockBytes / 2)
            sums = Step(shared, sums, x ^ (uint)(step * 16), lineBytes, weights);
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Lines4<TLine, TInput, TWeights> Step(
        SharedBytes shared, Lines4<TLine, TInput, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        uint tap = (uint)(TLine.Columns / 16 * PackedWeights.BlockBytes);
        TWeights first = TLine.Weights(shared, weights), second = TLine.Weights(shared, weights + tap);
        TWeights third = TLine.Weights(shared, weights + 2 * tap);
        TInput input = TLine.Input(shared, x);
        TLine l0 = TLine.Multiply(shared, sums.L0, input, first);
        input = TLine.Input(shared, x + lineBytes);
        l0 = TLine.Multiply(shared, l0, input, second);
        TLine l1 = TLine.Multiply(shared, sums.L1, input, first);
        input = TLine.Input(shared, x + 2 * lineBytes);
        l0 = TLine.Multiply(shared, l0, input, third);
        l1 = TLine.Multiply(shared, l1, input, second);
        TLine l2 = TLine.Multiply(shared, sums.L2, input, first);
        input = TLine.Input(shared, x + 3 * lineBytes);
        l1 = TLine.Multiply(shared, l1, input, third);
        l2 = TLine.Multiply(shared, l2, input, second);
        TLine l3 = TLine.Multiply(shared, sums.L3, input, first);
        input = TLine.Input(shared, x + 4 * lineBytes);
        l2 = TLine.Multiply(shared, l2, input, third);
        l3 = TLine.Multiply(shared, l3, input, second);
        input = TLine.Input(shared, x + 5 * lineBytes);
        l3 = TLine.Multiply(shared, l3, input, third);
        return new Lines4<TLine, TInput, TWeights> { L0 = l0, L1 = l1, L2 = l2, L3 = l3 };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int height, int width) =>
        TLine.StoreOf(store, thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(LineStore store, int hasPairs, Lines4<TLine, TInput, TWeights> sums)
    {
        if (hasPairs != 0)
            Store<WholePairs>(store, sums);
        else
            Store<SingleElements>(store, sums);
    }

    public static int Pairs => TLine.Pairs;

    public static int BetweenPairs => TLine.BetweenPairs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums Add<TMoment>(
        LineStore store, Lines4<TLine, TInput, TWeights> sums, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf
    {
        totals = TLine.Add<TMoment>(store, sums.L0, 0, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L1, 1, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L2, 2, totals, means);
        return TLine.Add<TMoment>(store, sums.L3, 3, totals, means);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TPairs>(LineStore store, Lines4<TLine, TInput, TWeights> sums) where TPairs : struct, IPairStore
    {
        TLine.Store<TPairs>(store, sums.L0, 0);
        TLine.Store<TPairs>(store, sums.L1, 1);
        TLine.Store<TPairs>(store, sums.L2, 2);
        TLine.Store<TPairs>(store, sums.L3, 3);
    }
}

/// <summary>
/// Eight lines: 10 loads of inputs and 3 of weights for twice the work of <see cref="Lines4{TLine, TInput,
/// TWeights}"/>.
/// </summary>
struct Lines8<TLine, TInput, TWeights> : IHaloSums<Lines8<TLine, TInput, TWeights>>
    where TLine : unmanaged, ILine<TLine, TInput, TWeights> where TInput : unmanaged where TWeights : unmanaged
{
    public TLine L0, L1, L2, L3, L4, L5, L6, L7;

    public static int Lines => 8;

    public static int Columns => TLine.Columns;

    public static int Threads(int runs, int lines) => TLine.Threads(runs) * (lines / Lines);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int height, int width) => TLine.Begin(thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lines8<TLine, TInput, TWeights> Multiply(
        SharedBytes shared, Lines8<TLine, TInput, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        if (TLine.Steps == 1) return Step(shared, sums, x, lineBytes, weights);
        for (int step = 0; step < TLine.Steps; step++, weights += PackedWeights.BlockBytes / 2)
            sums = Step(shared, sums, x ^ (uint)(step * 16), lineBytes, weights);
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Lines8<TLine, TInput, TWeights> Step(
        SharedBytes shared, Lines8<TLine, TInput, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        uint tap = (uint)(TLine.Columns / 16 * PackedWeights.BlockBytes);
        TWeights first = TLine.Weights(shared, weights), second = TLine.Weights(shared, weights + tap);
        TWeights third = TLine.Weights(shared, weights + 2 * tap);
        TInput input = TLine.Input(shared, x);
        TLine l0 = TLine.Multiply(shared, sums.L0, input, first);
        input = TLine.Input(shared, x + lineBytes);
        l0 = TLine.Multiply(shared, l0, input, second);
        TLine l1 = TLine.Multiply(shared, sums.L1, input, first);
        input = TLine.Input(shared, x + 2 * lineBytes);
        l0 = TLine.Multiply(shared, l0, input, third);
        l1 = TLine.Multiply(shared, l1, input, second);
        TLine l2 = TLine.Multiply(shared, sums.L2, input, first);
        input = TLine.Input(shared, x + 3 * lineBytes);
        l1 = TLine.Multiply(shared, l1, input, third);
        l2 = TLine.Multiply(shared, l2, input, second);
        TLine l3 = TLine.Multiply(shared, sums.L3, input, first);
        input = TLine.Input(shared, x + 4 * lineBytes);
        l2 = TLine.Multiply(shared, l2, input, third);
        l3 = TLine.Multiply(shared, l3, input, second);
        TLine l4 = TLine.Multiply(shared, sums.L4, input, first);
        input = TLine.Input(shared, x + 5 * lineBytes);
        l3 = TLine.Multiply(shared, l3, input, third);
        l4 = TLine.Multiply(shared, l4, input, second);
        TLine l5 = TLine.Multiply(shared, sums.L5, input, first);
        input = TLine.Input(shared, x + 6 * lineBytes);
        l4 = TLine.Multiply(shared, l4, input, third);
        l5 = TLine.Multiply(shared, l5, input, second);
        TLine l6 = TLine.Multiply(shared, sums.L6, input, first);
        input = TLine.Input(shared, x + 7 * lineBytes);
        l5 = TLine.Multiply(shared, l5, input, third);
        l6 = TLine.Multiply(shared, l6, input, second);
        TLine l7 = TLine.Multiply(shared, sums.L7, input, first);
        input = TLine.Input(shared, x + 8 * lineBytes);
        l6 = TLine.Multiply(shared, l6, input, third);
        l7 = TLine.Multiply(shared, l7, input, second);
        input = TLine.Input(shared, x + 9 * lineBytes);
        l7 = TLine.Multiply(shared, l7, input, third);
        return new Lines8<TLine, TInput, TWeights>
        {
            L0 = l0,
            L1 = l1,
            L2 = l2,
            L3 = l3,
            L4 = l4,
            L5 = l5,
            L6 = l6,
            L7 = l7,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int height, int width) =>
        TLine.StoreOf(store, thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(LineStore store, int hasPairs, Lines8<TLine, TInput, TWeights> sums)
    {
        if (hasPairs != 0)
            Store<WholePairs>(store, sums);
        else
            Store<SingleElements>(store, sums);
    }

    public static int Pairs => TLine.Pairs;

    public static int BetweenPairs => TLine.BetweenPairs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums Add<TMoment>(
        LineStore store, Lines8<TLine, TInput, TWeights> sums, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf
    {
        totals = TLine.Add<TMoment>(store, sums.L0, 0, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L1, 1, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L2, 2, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L3, 3, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L4, 4, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L5, 5, totals, means);
        totals = TLine.Add<TMoment>(store, sums.L6, 6, totals, means);
        return TLine.Add<TMoment>(store, sums.L7, 7, totals, means);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TPairs>(LineStore store, Lines8<TLine, TInput, TWeights> sums) where TPairs : struct, IPairStore
    {
        TLine.Store<TPairs>(store, sums.L0, 0);
        TLine.Store<TPairs>(store, sums.L1, 1);
        TLine.Store<TPairs>(store, sums.L2, 2);
        TLine.Store<TPairs>(store, sums.L3, 3);
        TLine.Store<TPairs>(store, sums.L4, 4);
        TLine.Store<TPairs>(store, sums.L5, 5);
        TLine.Store<TPairs>(store, sums.L6, 6);
        TLine.Store<TPairs>(store, sums.L7, 7);
    }
}
