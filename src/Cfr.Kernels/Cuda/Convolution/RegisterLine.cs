using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Weights from four input channels to four output channels.</summary>
struct FourByFour
{
    public Float4 In0, In1, In2, In3;
}

/// <summary>
/// Rung 3, registers, in float32: a thread sums four output channels of one voxel of each line. Four neighbouring
/// threads share a voxel's inputs, eight voxels share weights.
/// <code>
///   eight lines, 4 input channels, three taps: 10 loads of inputs, 12 of weights, 384 multiply-adds
///   a warp: 22 clocks of shared memory, 96 of FMA
/// </code>
/// </summary>
struct RegisterLine : ILine<RegisterLine, Float4, FourByFour>
{
    const int Channels = 4, InputBytes = 16 * sizeof(float);

    public Float4 C;

    public static int Columns => 16;

    public static int Steps => 2;

    public static int Threads(int runs) => runs * 8 * (Columns / Channels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloThread Begin(int thread, int lines, int height, int width)
    {
        int voxel = thread >> Tile.Log2(Columns / Channels), groups = height / lines;
        return new HaloThread
        {
            D = voxel >> Tile.Log2(width) + Tile.Log2(groups),
            H = (voxel >> Tile.Log2(width) & groups - 1) * lines,
            W = voxel & width - 1,
            Weights = (uint)((thread & Columns / Channels - 1) * Channels * sizeof(float)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Input(SharedBytes shared, uint at) => shared.Load4(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourByFour Weights(SharedBytes shared, uint at) => new()
    {
        In0 = shared.Load4(at),
        In1 = shared.Load4(at + InputBytes),
        In2 = shared.Load4(at + 2 * InputBytes),
        In3 = shared.Load4(at + 3 * InputBytes),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterLine Multiply(SharedBytes shared, RegisterLine c, Float4 x, FourByFour w) => new()
    {
        C = Float4.AddProduct(
            Float4.AddProduct(Float4.AddProduct(Float4.AddProduct(c.C, x.X, w.In0), x.Y, w.In1), x.Z, w.In2), x.W,
            w.In3),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore StoreOf(HaloStore store, int thread, int lines, int height, int width)
    {
        HaloThread place = Begin(thread, lines, height, width);
        LineStore to = LineStore.Of(
            store, place.D, place.H, place.W, (thread & Columns / Channels - 1) * Channels);
        to.Bias0 = LineStore.BiasOf(to, 0);
        to.Bias1 = LineStore.BiasOf(to, 2);
        return to;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(LineStore store, RegisterLine c, int line) where TPairs : struct, IPairStore
    {
        LineStore.ToFirst<TPairs>(store, line, 0, c.C.X + store.Bias0.X, c.C.Y + store.Bias0.Y);
        LineStore.ToFirst<TPairs>(store, line, 2, c.C.Z + store.Bias1.X, c.C.W + store.Bias1.Y);
    }

    public static int Pairs => 2;

    public static int BetweenPairs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairSums Add<TMoment>(
        LineStore store, RegisterLine c, int line, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf => new()
        {
            P0 = LineStore.AddFirst<TMoment>(
                store, line, c.C.X + store.Bias0.X, c.C.Y + store.Bias0.Y, totals.P0, means.P0),
            P1 = LineStore.AddFirst<TMoment>(
                store, line, c.C.Z + store.Bias1.X, c.C.W + store.Bias1.Y, totals.P1, means.P1),
        };
}
