using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Rung 4, tensor cores: a warp takes two runs of 8 voxels along w, the 16 rows of A. Runs are numbered along w, then
/// along d: the two lie side by side if the box is wider than one.
/// </summary>
static class TensorLine
{
    public static int Threads(int runs) => runs / 2 * BlockReduce.WarpSize;

    /// <summary>The first voxel of either run of the thread's warp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Run(int thread, int which, int lines, int height, int width)
    {
        int warp = thread >> 5, groups = height / lines, runsAcross = width / 8;
        int run = 2 * (warp >> Tile.Log2(groups)) + which;
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

    /// <summary>
    /// A lane has sums of one voxel in each run, at columns 2t, 2t + 1 of each 8 (<see cref="Sums"/>): four lanes
    /// together fill 32 bytes of a voxel, a sector.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int columns, int lines, int height, int width)
    {
        int voxel = (thread & 31) >> 2, column = (thread & 3) * 2;
        HaloThread first = Run(thread, 0, lines, height, width), second = Run(thread, 1, lines, height, width);
        LineStore to = LineStore.Of(store, first.D, first.H, first.W + voxel, column);
        to.Second = HaloStore.Address(store, second.D, second.H, second.W + voxel, column);
        to.SecondLines = HaloStore.LinesLeft(store, second.D, second.H, second.W + voxel);
        to.Bias0 = LineStore.BiasOf(to, 0);
        to.Bias1 = LineStore.BiasOf(to, 8);
        if (columns == 16) return to;
        to.Bias2 = LineStore.BiasOf(to, 16);
        to.Bias3 = LineStore.BiasOf(to, 24);
        return to;
    }

    /// <summary>Stores sums of 8 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(LineStore store, Sums c, int line, int column, Pair bias)
        where TPairs : struct, IPairStore
    {
        LineStore.ToFirst<TPairs>(store, line, column, c.X + bias.X, c.Y + bias.Y);
        LineStore.ToSecond<TPairs>(store, line, column, c.Z + bias.X, c.W + bias.Y);
    }

    /// <summary>Adds up those of 8 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair Add<TMoment>(LineStore store, Sums c, int line, Pair bias, Pair total, Pair mean)
        where TMoment : struct, IMomentOf => LineStore.AddSecond<TMoment>(
        store, line, c.Z + bias.X, c.W + bias.Y,
        LineStore.AddFirst<TMoment>(store, line, c.X + bias.X, c.Y + bias.Y, total, mean), mean);
}

/// <summary>
/// 16 channels, two mma for each fragment of inputs.
/// <code>
///   four lines:  6 fragments of inputs, 3 of weights, 24 mma     36 clocks of shared memory, 38 of mma
///   eight lines: 10 and 3, 48 mma                                52 and 77
/// </code>
/// </summary>
struct TensorLine16<TMma> : ILine<TensorLine16<TMma>, Quad, Quad> where TMma : struct, IMma
{
    public Sums C0, C1;

    public static int Columns => 16;

    public static int Steps => 1;

    public static int Threads(int runs) => TensorLine.Threads(runs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int lines, int height, int width) =>
        TensorLine.Begin(thread, lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Input(SharedBytes shared, uint at) => Ptx.LoadMatrix(shared, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Weights(SharedBytes shared, uint at) => shared.LoadQuad(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TensorLine16<TMma> Multiply(SharedBytes shared, TensorLine16<TMma> c, Quad x, Quad w) => new()
    {
        C0 = TMma.Multiply(shared, c.C0, x, w.X, w.Y),
        C1 = TMma.Multiply(shared, c.C1, x, w.Z, w.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int lines, int height, int width) =>
        TensorLine.StoreOf(store, thread, Columns, lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(LineStore store, TensorLine16<TMma> c, int line) where TPairs : struct, IPairStore
    {
        TensorLine.Store<TPairs>(store, c.C0, line, 0, store.Bias0);
        TensorLine.Store<TPairs>(store, c.C1, line, 8, store.Bias1);
    }

    public static int Pairs => 2;

    public static int BetweenPairs => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums Add<TMoment>(
        LineStore store, TensorLine16<TMma> c, int line, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf => new()
        {
            P0 = TensorLine.Add<TMoment>(store, c.C0, line, store.Bias0, totals.P0, means.P0),
            P1 = TensorLine.Add<TMoment>(store, c.C1, line, store.Bias1, totals.P1, means.P1),
        };
}

/// <summary>The fragments of a tap's weights for 32 output channels.</summary>
struct TwoQuads
{
    public Quad Left, Right;
}

/// <summary>
/// 32 channels, four mma for each fragment of inputs: with four lines 6 fragments of inputs, 6 of weights and 48 mma,
/// 48 clocks of shared memory and 77 of mma.
/// </summary>
struct TensorLine32<TMma> : ILine<TensorLine32<TMma>, Quad, TwoQuads> where TMma : struct, IMma
{
    public Sums16x32 C;

    public static int Columns => 32;

    public static int Steps => 1;

    public static int Threads(int runs) => TensorLine.Threads(runs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int lines, int height, int width) =>
        TensorLine.Begin(thread, lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Input(SharedBytes shared, uint at) => Ptx.LoadMatrix(shared, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoQuads Weights(SharedBytes shared, uint at) => new()
    {
        Left = shared.LoadQuad(at),
        Right = shared.LoadQuad(at + PackedWeights.BlockBytes),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TensorLine32<TMma> Multiply(SharedBytes shared, TensorLine32<TMma> c, Quad x, TwoQuads w) =>
        new() { C = Sums16x32.Multiply<TMma>(shared, c.C, x, w.Left, w.Right) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int lines, int height, int width) =>
        TensorLine.StoreOf(store, thread, Columns, lines, height, width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(LineStore store, TensorLine32<TMma> c, int line) where TPairs : struct, IPairStore
    {
        TensorLine.Store<TPairs>(store, c.C.C0, line, 0, store.Bias0);
        TensorLine.Store<TPairs>(store, c.C.C1, line, 8, store.Bias1);
        TensorLine.Store<TPairs>(store, c.C.C2, line, 16, store.Bias2);
        TensorLine.Store<TPairs>(store, c.C.C3, line, 24, store.Bias3);
    }

    public static int Pairs => 4;

    public static int BetweenPairs => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums Add<TMoment>(
        LineStore store, TensorLine32<TMma> c, int line, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf => new()
        {
            P0 = TensorLine.Add<TMoment>(store, c.C.C0, line, store.Bias0, totals.P0, means.P0),
            P1 = TensorLine.Add<TMoment>(store, c.C.C1, line, store.Bias1, totals.P1, means.P1),
            P2 = TensorLine.Add<TMoment>(store, c.C.C2, line, store.Bias2, totals.P2, means.P2),
            P3 = TensorLine.Add<TMoment>(store, c.C.C3, line, store.Bias3, totals.P3, means.P3),
        };
}
