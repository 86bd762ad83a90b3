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
/// Takes a thread's sums to memory, a line after the other: of one voxel, or of two in different runs. Channels that
/// the box has and the output has not are left out, as are voxels.
/// </summary>
struct LineStore
{
    /// <summary>Addresses of the first line's voxels at the thread's first column; bytes from line to line.</summary>
    public long Voxel, Second, Line;

    /// <summary>Lines that exist of either.</summary>
    public int Lines, SecondLines;

    /// <summary>Channels from the thread's first on, and their bias (0 where there is none).</summary>
    public int Channels;
    public long Bias;
    public Pair Bias0, Bias1, Bias2, Bias3;

    /// <summary>The store of a thread whose first voxel and column in the box this is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LineStore Of(HaloStore store, int d, int h, int w, int column) => new()
    {
        Voxel = HaloStore.Address(store, d, h, w, column),
        Line = (long)store.Size.W * store.Channels * sizeof(float),
        Lines = HaloStore.LinesLeft(store, d, h, w),
        Channels = store.Channels - store.First.Channel - column,
        Bias = store.Bias == 0 ? 0 : store.Bias + (store.First.Channel + column) * sizeof(float),
    };

    /// <summary>The bias of two channels, this many columns further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair BiasOf(LineStore s, int further)
    {
        long address = s.Bias + further * sizeof(float);
        int there = s.Bias == 0 ? 0 : s.Channels - further;
        return new Pair
        {
            X = Ptx.LoadOrZero(address, there > 0),
            Y = Ptx.LoadOrZero(address + sizeof(float), there > 1),
        };
    }

    /// <summary>Stores two channels of the first voxel of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToFirst<TPairs>(LineStore s, int line, int further, float x, float y)
        where TPairs : struct, IPairStore => TPairs.Store(
        s.Voxel + line * s.Line + further * sizeof(float), line < s.Lines ? s.Channels - further : 0, x, y);

    /// <summary>Stores two channels of the second voxel of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToSecond<TPairs>(LineStore s, int line, int further, float x, float y)
        where TPairs : struct, IPairStore => TPairs.Store(
        s.Second + line * s.Line + further * sizeof(float), line < s.SecondLines ? s.Channels - further : 0, x, y);

    /// <summary>Adds up two channels of the first voxel of a line, if it exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair AddFirst<TMoment>(LineStore s, int line, float x, float y, Pair total, Pair mean)
        where TMoment : struct, IMomentOf => Add<TMoment>(line < s.Lines, x, y, total, mean);

    /// <summary>Adds up two channels of the second voxel of a line, if it exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair AddSecond<TMoment>(LineStore s, int line, float x, float y, Pair total, Pair mean)
        where TMoment : struct, IMomentOf => Add<TMoment>(line < s.SecondLines, x, y, total, mean);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair Add<TMoment>(bool exists, float x, float y, Pair total, Pair mean) where TMoment : struct, IMomentOf
    {
        float left = TMoment.Of(x, mean.X), right = TMoment.Of(y, mean.Y);
        return new Pair { X = total.X + (exists ? left : 0f), Y = total.Y + (exists ? right : 0f) };
    }
}
