using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="ColumnTotals"/>. First and Second are [samples, channels]; an address of 0 is not wanted.
/// </summary>
struct ColumnTotalArguments
{
    public long Partials, First, Second;
    public int Pieces, LineFloats, Channels, Sums, Accumulate;
    public float Scale;

    /// <summary>Channels of a block, a power of two, and blocks of a sample.</summary>
    public Divisor Width, Blocks;

    /// <summary>How often a channel stands in a line.</summary>
    public Divisor Repeats;
}

/// <summary>What a thread of a second stage adds up: each so many values of a channel, from the rank-th one on.</summary>
readonly struct TotalThread
{
    public readonly int Sample, Channel, Rank;

    /// <summary>Whether there is such a channel.</summary>
    public readonly bool Exists;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TotalThread(ColumnTotalArguments a)
    {
        Rank = Group.IdxX / a.Width;
        Sample = Grid.IdxX / a.Blocks;
        Channel = (Grid.IdxX - Sample * a.Blocks.Value - Rank) * a.Width.Value + Group.IdxX;
        Exists = Channel < a.Channels;
    }

    /// <summary>Whether it gets the totals of its channel.</summary>
    public bool Ends => Rank == 0 && Exists;
}

/// <summary>
/// Second stage of <see cref="ColumnSums"/>: adds what the pieces left. A block has neighbouring channels side by side, so
/// that threads read whole sectors, and as many threads a channel as leave each a few values, all on their way at once.
/// Blocks are large: what is waited for is latency.
/// </summary>
static unsafe class ColumnTotals
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 1024;

    /// <summary>Words of shared memory.</summary>
    public const int Scratch = 2 * Threads;

    const int ValuesAtOnce = 4, FloatsOfSector = 8;

    static readonly Kernel<ColumnTotalArguments> Kernel = new("column_totals", Total) { Threads = Threads };

    public static void Launch(
        GpuDevice gpu, ColumnTiling tiling, int samples, DeviceBuffer partials, View first, View second,
        float scale = 1, bool accumulate = false, int sums = 2)
    {
        ColumnTotalArguments arguments = Arguments(gpu, Kernel, tiling, partials);
        (arguments.First, arguments.Second, arguments.Sums) = (first.Address, second.Address, sums);
        (arguments.Scale, arguments.Accumulate) = (scale, accumulate ? 1 : 0);
        gpu.Launch(Kernel, arguments, checked(samples * arguments.Blocks.Value));
    }

    /// <summary>
    /// Sums over the rows of x <c>[samples, rows, channels]</c>, which are pieces then: one stage for few rows.
    /// </summary>
    public static void Launch(
        GpuDevice gpu, int samples, int rows, int channels, View x, View y, float scale, bool accumulate)
    {
        ColumnTotalArguments arguments = Arguments(gpu, Kernel, rows, channels, channels, x.Address);
        (arguments.First, arguments.Sums) = (y.Address, 1);
        (arguments.Scale, arguments.Accumulate) = (scale, accumulate ? 1 : 0);
        gpu.Launch(Kernel, arguments, checked(samples * arguments.Blocks.Value));
    }

    /// <summary>For a kernel that adds up two sums of each channel, with so many blocks a sample.</summary>
    public static ColumnTotalArguments Arguments(
        GpuDevice gpu, Kernel kernel, ColumnTiling tiling, DeviceBuffer partials) =>
        Arguments(gpu, kernel, tiling.Pieces, tiling.LineFloats, tiling.Channels, partials.Address);

    static ColumnTotalArguments Arguments(
        GpuDevice gpu, Kernel kernel, int pieces, int lineFloats, int channels, nint partials)
    {
        long values = (long)pieces * (lineFloats / channels);
        ulong threads = BitOperations.RoundUpToPowerOf2((ulong)(values + ValuesAtOnce - 1) / ValuesAtOnce);
        int width = Math.Min(
            (int)BitOperations.RoundUpToPowerOf2((uint)channels),
            Math.Max(FloatsOfSector, (int)((ulong)gpu.BlockSize(kernel) / threads)));
        return new()
        {
            Partials = partials,
            Pieces = pieces,
            LineFloats = lineFloats,
            Channels = channels,
            Sums = 2,
            Width = new Divisor(width),
            Blocks = new Divisor((channels + width - 1) / width),
            Repeats = new Divisor(lineFloats / channels),
        };
    }

    static void Total(ColumnTotalArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(Scratch);
        var thread = new TotalThread(a);
        Pair sums = Sum(scratch, a, thread);
        if (!thread.Ends) return;
        int result = thread.Sample * a.Channels + thread.Channel;
        if (a.First != 0) Store((float*)a.First + result, sums.X * a.Scale, a.Accumulate);
        if (a.Second != 0) Store((float*)a.Second + result, sums.Y * a.Scale, a.Accumulate);
    }

    /// <summary>
    /// The totals of each channel, for its thread of rank 0. Lanes of a channel add up theirs, then those of the first
    /// warps what the others have, each every so many rows of the block, and again each other's. All threads must come
    /// here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair Sum(ArrayView<float> scratch, ColumnTotalArguments a, TotalThread thread)
    {
        int width = a.Width.Value, row = Ptx.Max(width, BlockReduce.WarpSize);
        Pair sums = AcrossLanes(width, OfThread(a, thread));
        (scratch[Group.IdxX], scratch[Threads + Group.IdxX]) = (sums.X, sums.Y);
        Group.Barrier();
        sums = default;
        if (Group.IdxX >= row) return sums;
        for (int i = Group.IdxX + row * thread.Rank; i < Group.DimX; i += row * (row / a.Width))
        {
            sums.X += scratch[i];
            sums.Y += scratch[Threads + i];
        }
        return AcrossLanes(width, sums);
    }

    /// <summary>The sums over a warp's lanes of the same channel, in all of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair AcrossLanes(int width, Pair sums)
    {
        for (int distance = width; distance < BlockReduce.WarpSize; distance *= 2)
        {
            sums.X += Warp.ShuffleXor(sums.X, distance);
            sums.Y += Warp.ShuffleXor(sums.Y, distance);
        }
        return sums;
    }

    /// <summary>What the pieces of this thread left for its channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair OfThread(ColumnTotalArguments a, TotalThread thread)
    {
        int values = a.Pieces * a.Repeats.Value, threads = Group.DimX / a.Width;
        float* first = (float*)a.Partials + (long)thread.Sample * a.Pieces * a.Sums * a.LineFloats
            + thread.Channel;
        Pair sums = default;
        for (int i = thread.Rank; thread.Exists && i < values; i += ValuesAtOnce * threads)
        {
            Pair v0 = Value(a, first, i, values), v1 = Value(a, first, i + threads, values);
            Pair v2 = Value(a, first, i + 2 * threads, values), v3 = Value(a, first, i + 3 * threads, values);
            sums.X += v0.X + v1.X + (v2.X + v3.X);
            sums.Y += v0.Y + v1.Y + (v2.Y + v3.Y);
        }
        return sums;
    }

    /// <summary>Zeros behind the last one, which is read instead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair Value(ColumnTotalArguments a, float* first, int i, int values)
    {
        int at = Ptx.Min(i, values - 1), piece = at / a.Repeats, repeat = at - piece * a.Repeats.Value;
        float* value = first + (long)piece * (a.Sums * a.LineFloats) + repeat * a.Channels;
        float x = value[0], y = value[(a.Sums - 1) * a.LineFloats];
        return new Pair { X = i < values ? x : 0f, Y = i < values ? y : 0f };
    }

    static void Store(float* target, float value, int accumulate) =>
        *target = accumulate != 0 ? *target + value : value;
}
