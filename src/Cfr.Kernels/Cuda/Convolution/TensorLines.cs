using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A warp's sums of one line of two runs of 8 voxels, for all output channels of its block.</summary>
/// <typeparam name="TSelf">The sums.</typeparam>
/// <typeparam name="TWeights">The fragments of a tap's weights.</typeparam>
interface IRunSums<TSelf, TWeights> where TSelf : unmanaged where TWeights : unmanaged
{
    /// <summary>Output channels.</summary>
    static abstract int Columns { get; }

    static abstract TWeights Weights(SharedBytes shared, uint lane);

    static abstract TSelf Multiply<TMma>(SharedBytes shared, TSelf c, Quad a, TWeights b) where TMma : struct, IMma;

    /// <summary>Stores a line with the bias that begins at its first column.</summary>
    static abstract void Store<TPairs>(RunStore store, TSelf c, int line) where TPairs : struct, IPairStore;
}

/// <summary>The fragments of 32 output channels.</summary>
struct TwoQuads
{
    public Quad Left, Right;
}

/// <summary>16 channels: two mma for a fragment of inputs.</summary>
struct RunSums16 : IRunSums<RunSums16, Quad>
{
    public Sums C0, C1;

    public static int Columns => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Weights(SharedBytes shared, uint lane) => shared.LoadQuad(lane);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunSums16 Multiply<TMma>(SharedBytes shared, RunSums16 c, Quad a, Quad b)
        where TMma : struct, IMma => new()
        {
            C0 = TMma.Multiply(shared, c.C0, a, b.X, b.Y),
            C1 = TMma.Multiply(shared, c.C1, a, b.Z, b.W),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(RunStore store, RunSums16 c, int line) where TPairs : struct, IPairStore
    {
        RunStore.Store<TPairs>(store, c.C0, line, 0, store.Bias0);
        RunStore.Store<TPairs>(store, c.C1, line, 8, store.Bias1);
    }
}

/// <summary>32 channels: four mma for a fragment of inputs.</summary>
struct RunSums32 : IRunSums<RunSums32, TwoQuads>
{
    public Sums16x32 C;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoQuads Weights(SharedBytes shared, uint lane) => new()
    {
        Left = shared.LoadQuad(lane),
        Right = shared.LoadQuad(lane + PackedWeights.BlockBytes),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunSums32 Multiply<TMma>(SharedBytes shared, RunSums32 c, Quad a, TwoQuads b)
        where TMma : struct, IMma => new() { C = Sums16x32.Multiply<TMma>(shared, c.C, a, b.Left, b.Right) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(RunStore store, RunSums32 c, int line) where TPairs : struct, IPairStore
    {
        RunStore.Store<TPairs>(store, c.C.C0, line, 0, store.Bias0);
        RunStore.Store<TPairs>(store, c.C.C1, line, 8, store.Bias1);
        RunStore.Store<TPairs>(store, c.C.C2, line, 16, store.Bias2);
        RunStore.Store<TPairs>(store, c.C.C3, line, 24, store.Bias3);
    }
}

/// <summary>
/// Rung 4, tensor cores. A warp takes two runs of 8 voxels along w and several lines of them: 16 rows of A a line. A
/// fragment of inputs is loaded once and meets the weights of all three taps along h: line i of inputs belongs to
/// output line i through the first, to i - 1 through the second, to i - 2 through the third.
/// </summary>
static class TensorLines
{
    /// <summary>
    /// Runs are numbered along w, then along d: a warp's two lie side by side if the box is wider than one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Run(int thread, int half, int lines, int height, int width)
    {
        int warp = thread >> 5, groups = height / lines, runsAcross = width / 8;
        int run = 2 * (warp >> Tile.Log2(groups)) + half;
        return new HaloThread
        {
            D = run >> Tile.Log2(runsAcross),
            H = (warp & groups - 1) * lines,
            W = (run & runsAcross - 1) * 8,
        };
    }

    /// <summary>Lanes name the rows that <c>ldmatrix</c> loads: 16 voxels, chunk by chunk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int lines, int height, int width)
    {
        int lane = thread & 31;
        HaloThread place = Run(thread, lane >> 3 & 1, lines, height, width);
        place.W += lane & 7;
        place.Chunk = lane >> 4;
        place.Weights = (uint)(lane * 16);
        return place;
    }
}

/// <summary>
/// Four lines:
/// <code>
///   6 fragments of inputs, 3 of weights for 16 channels, 24 mma     36 clocks of shared memory, 38 of mma
///                          6 for 32 channels, 48 mma                48 and 77
/// </code>
/// Tap by tap, it would be 12 fragments of inputs.
/// </summary>
struct FourLines<TMma, TRuns, TWeights> : IHaloSums<FourLines<TMma, TRuns, TWeights>>
    where TMma : struct, IMma where TRuns : unmanaged, IRunSums<TRuns, TWeights> where TWeights : unmanaged
{
    public TRuns L0, L1, L2, L3;

    public static int Lines => 4;

    public static int Columns => TRuns.Columns;

    public static int Threads(int runs, int lines) => runs / 2 * (lines / Lines) * BlockReduce.WarpSize;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int height, int width) =>
        TensorLines.Begin(thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLines<TMma, TRuns, TWeights> Multiply(
        SharedBytes shared, FourLines<TMma, TRuns, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        uint tap = (uint)(TRuns.Columns / 16 * PackedWeights.BlockBytes);
        TWeights first = TRuns.Weights(shared, weights), second = TRuns.Weights(shared, weights + tap);
        TWeights third = TRuns.Weights(shared, weights + 2 * tap);
        Quad a = Ptx.LoadMatrix(shared, x);
        TRuns l0 = TRuns.Multiply<TMma>(shared, sums.L0, a, first);
        a = Ptx.LoadMatrix(shared, x + lineBytes);
        l0 = TRuns.Multiply<TMma>(shared, l0, a, second);
        TRuns l1 = TRuns.Multiply<TMma>(shared, sums.L1, a, first);
        a = Ptx.LoadMatrix(shared, x + 2 * lineBytes);
        l0 = TRuns.Multiply<TMma>(shared, l0, a, third);
        l1 = TRuns.Multiply<TMma>(shared, l1, a, second);
        TRuns l2 = TRuns.Multiply<TMma>(shared, sums.L2, a, first);
        a = Ptx.LoadMatrix(shared, x + 3 * lineBytes);
        l1 = TRuns.Multiply<TMma>(shared, l1, a, third);
        l2 = TRuns.Multiply<TMma>(shared, l2, a, second);
        TRuns l3 = TRuns.Multiply<TMma>(shared, sums.L3, a, first);
        a = Ptx.LoadMatrix(shared, x + 4 * lineBytes);
        l2 = TRuns.Multiply<TMma>(shared, l2, a, third);
        l3 = TRuns.Multiply<TMma>(shared, l3, a, second);
        a = Ptx.LoadMatrix(shared, x + 5 * lineBytes);
        l3 = TRuns.Multiply<TMma>(shared, l3, a, third);
        return new FourLines<TMma, TRuns, TWeights> { L0 = l0, L1 = l1, L2 = l2, L3 = l3 };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        HaloStore store, FourLines<TMma, TRuns, TWeights> sums, int thread, int height, int width)
    {
        var runs = RunStore.Of(store, thread, Lines, Columns, height, width);
        if (store.HasPairs != 0)
            Store<WholePairs>(runs, sums);
        else
            Store<SingleElements>(runs, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TPairs>(RunStore store, FourLines<TMma, TRuns, TWeights> sums) where TPairs : struct, IPairStore
    {
        TRuns.Store<TPairs>(store, sums.L0, 0);
        TRuns.Store<TPairs>(store, sums.L1, 1);
        TRuns.Store<TPairs>(store, sums.L2, 2);
        TRuns.Store<TPairs>(store, sums.L3, 3);
    }
}

/// <summary>
/// Eight lines: 10 fragments of inputs for twice the work of <see cref="FourLines{TMma, TRuns, TWeights}"/>.
/// <code>
///   16 channels: 13 fragments, 48 mma    52 clocks of shared memory, 77 of mma
///   32 channels: 16 fragments, 96 mma    64 and 154
/// </code>
/// </summary>
struct TwiceFourLines<TMma, TRuns, TWeights> : IHaloSums<TwiceFourLines<TMma, TRuns, TWeights>>
    where TMma : struct, IMma where TRuns : unmanaged, IRunSums<TRuns, TWeights> where TWeights : unmanaged
{
    public TRuns L0, L1, L2, L3, L4, L5, L6, L7;

    public static int Lines => 8;

    public static int Columns => TRuns.Columns;

    public static int Threads(int runs, int lines) => runs / 2 * (lines / Lines) * BlockReduce.WarpSize;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int height, int width) =>
        TensorLines.Begin(thread, Lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwiceFourLines<TMma, TRuns, TWeights> Multiply(
        SharedBytes shared, TwiceFourLines<TMma, TRuns, TWeights> sums, uint x, uint lineBytes, uint weights)
    {
        uint tap = (uint)(TRuns.Columns / 16 * PackedWeights.BlockBytes);
        TWeights first = TRuns.Weights(shared, weights), second = TRuns.Weights(shared, weights + tap);
        TWeights third = TRuns.Weights(shared, weights + 2 * tap);
        Quad a = Ptx.LoadMatrix(shared, x);
        TRuns l0 = TRuns.Multiply<TMma>(shared, sums.L0, a, first);
        a = Ptx.LoadMatrix(shared, x + lineBytes);
        l0 = TRuns.Multiply<TMma>(shared, l0, a, second);
        TRuns l1 = TRuns.Multiply<TMma>(shared, sums.L1, a, first);
        a = Ptx.LoadMatrix(shared, x + 2 * lineBytes);
        l0 = TRuns.Multiply<TMma>(shared, l0, a, third);
        l1 = TRuns.Multiply<TMma>(shared, l1, a, second);
        TRuns l2 = TRuns.Multiply<TMma>(shared, sums.L2, a, first);
        a = Ptx.LoadMatrix(shared, x + 3 * lineBytes);
        l1 = TRuns.Multiply<TMma>(shared, l1, a, third);
        l2 = TRuns.Multiply<TMma>(shared, l2, a, second);
        TRuns l3 = TRuns.Multiply<TMma>(shared, sums.L3, a, first);
        a = Ptx.LoadMatrix(shared, x + 4 * lineBytes);
        l2 = TRuns.Multiply<TMma>(shared, l2, a, third);
        l3 = TRuns.Multiply<TMma>(shared, l3, a, second);
        TRuns l4 = TRuns.Multiply<TMma>(shared, sums.L4, a, first);
        a = Ptx.LoadMatrix(shared, x + 5 * lineBytes);
        l3 = TRuns.Multiply<TMma>(shared, l3, a, third);
        l4 = TRuns.Multiply<TMma>(shared, l4, a, second);
        TRuns l5 = TRuns.Multiply<TMma>(shared, sums.L5, a, first);
        a = Ptx.LoadMatrix(shared, x + 6 * lineBytes);
        l4 = TRuns.Multiply<TMma>(shared, l4, a, third);
        l5 = TRuns.Multiply<TMma>(shared, l5, a, second);
        TRuns l6 = TRuns.Multiply<TMma>(shared, sums.L6, a, first);
        a = Ptx.LoadMatrix(shared, x + 7 * lineBytes);
        l5 = TRuns.Multiply<TMma>(shared, l5, a, third);
        l6 = TRuns.Multiply<TMma>(shared, l6, a, second);
        TRuns l7 = TRuns.Multiply<TMma>(shared, sums.L7, a, first);
        a = Ptx.LoadMatrix(shared, x + 8 * lineBytes);
        l6 = TRuns.Multiply<TMma>(shared, l6, a, third);
        l7 = TRuns.Multiply<TMma>(shared, l7, a, second);
        a = Ptx.LoadMatrix(shared, x + 9 * lineBytes);
        l7 = TRuns.Multiply<TMma>(shared, l7, a, third);
        return new TwiceFourLines<TMma, TRuns, TWeights>
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
    public static void Store(
        HaloStore store, TwiceFourLines<TMma, TRuns, TWeights> sums, int thread, int height, int width)
    {
        var runs = RunStore.Of(store, thread, Lines, Columns, height, width);
        if (store.HasPairs != 0)
            Store<WholePairs>(runs, sums);
        else
            Store<SingleElements>(runs, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TPairs>(RunStore store, TwiceFourLines<TMma, TRuns, TWeights> sums)
        where TPairs : struct, IPairStore
    {
        TRuns.Store<TPairs>(store, sums.L0, 0);
        TRuns.Store<TPairs>(store, sums.L1, 1);
        TRuns.Store<TPairs>(store, sums.L2, 2);
        TRuns.Store<TPairs>(store, sums.L3, 3);
        TRuns.Store<TPairs>(store, sums.L4, 4);
        TRuns.Store<TPairs>(store, sums.L5, 5);
        TRuns.Store<TPairs>(store, sums.L6, 6);
        TRuns.Store<TPairs>(store, sums.L7, 7);
    }
}
