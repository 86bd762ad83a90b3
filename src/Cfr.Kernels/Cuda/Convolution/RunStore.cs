using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Two sums.</summary>
struct Pair
{
    public float X, Y;
}

/// <summary>How two neighbouring channels of a voxel are stored.</summary>
interface IPairStore
{
    /// <summary>Stores the first <paramref name="there"/> of them.</summary>
    static abstract void Store(long address, int there, float x, float y);
}

/// <summary>8 bytes: the number of channels is even.</summary>
readonly struct WholePairs : IPairStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(long address, int there, float x, float y)
    {
        if (there > 0) Ptx.Store2(address, x, y);
    }
}

/// <summary>One by one.</summary>
readonly unsafe struct SingleElements : IPairStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(long address, int there, float x, float y)
    {
        if (there > 0) *(float*)address = x;
        if (there > 1) ((float*)address)[1] = y;
    }
}

/// <summary>
/// Takes a lane's sums to memory: of two voxels, one in each run of its warp, at columns 2t, 2t + 1 of each 8 (<see
/// cref="Sums"/>). Four lanes together fill 32 bytes of a voxel, a sector.
/// </summary>
struct RunStore
{
    /// <summary>Addresses of the first line's voxels at the lane's first column, and bytes from line to line.</summary>
    public long First, Second, Line;

    /// <summary>Lines that exist of either run.</summary>
    public int FirstLines, SecondLines;

    /// <summary>Channels from the lane's first on.</summary>
    public int Left;
    public Pair Bias0, Bias1, Bias2, Bias3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunStore Of(HaloStore store, int thread, int lines, int columns, int height, int width)
    {
        int voxel = (thread & 31) >> 2, column = (thread & 3) * 2;
        HaloThread first = TensorLines.Run(thread, 0, lines, height, width);
        HaloThread second = TensorLines.Run(thread, 1, lines, height, width);
        var runs = new RunStore
        {
            First = HaloStore.Address(store, first.D, first.H, first.W + voxel, column),
            Second = HaloStore.Address(store, second.D, second.H, second.W + voxel, column),
            Line = (long)store.Size.W * store.Channels * sizeof(float),
            FirstLines = HaloStore.LinesLeft(store, first.D, first.H, first.W + voxel),
            SecondLines = HaloStore.LinesLeft(store, second.D, second.H, second.W + voxel),
            Left = store.Channels - store.First.Channel - column,
        };
        if (store.Bias == 0) return runs;
        long bias = store.Bias + (store.First.Channel + column) * sizeof(float);
        runs.Bias0 = BiasOf(bias, runs.Left);
        runs.Bias1 = BiasOf(bias + 8 * sizeof(float), runs.Left - 8);
        if (columns == 16) return runs;
        runs.Bias2 = BiasOf(bias + 16 * sizeof(float), runs.Left - 16);
        runs.Bias3 = BiasOf(bias + 24 * sizeof(float), runs.Left - 24);
        return runs;
    }

    /// <summary>Stores the sums of a line, this many columns after the lane's first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TPairs>(RunStore s, Sums c, int line, int further, Pair bias)
        where TPairs : struct, IPairStore
    {
        long at = line * s.Line + further * sizeof(float);
        TPairs.Store(s.First + at, line < s.FirstLines ? s.Left - further : 0, c.X + bias.X, c.Y + bias.Y);
        TPairs.Store(s.Second + at, line < s.SecondLines ? s.Left - further : 0, c.Z + bias.X, c.W + bias.Y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair BiasOf(long address, int there) =>
        new() { X = Ptx.LoadOrZero(address, there > 0), Y = Ptx.LoadOrZero(address + sizeof(float), there > 1) };
}
