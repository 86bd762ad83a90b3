using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="ColumnTotals"/>. First and Second are [samples, channels]; an address of 0 is not wanted.
/// </summary>
struct ColumnTotalArguments
{
    public ColumnTiling Tiling;
    public long Partials, First, Second;
    public int Samples, Sums, Segment, Accumulate;
    public float Scale;
}

/// <summary>
/// Second stage of <see cref="ColumnSums"/>: adds what the pieces left for a channel, one segment of threads each.
/// </summary>
static unsafe class ColumnTotals
{
    static readonly Kernel<ColumnTotalArguments> Kernel = new("column_totals", Total) { Threads = Segments.Threads };

    public static void Launch(
        GpuDevice gpu, ColumnTiling tiling, int samples, DeviceBuffer partials, View first, View second,
        float scale = 1, bool accumulate = false, int sums = 2)
    {
        ColumnTotalArguments arguments = Arguments(gpu, Kernel, tiling, samples, partials);
        (arguments.First, arguments.Second, arguments.Sums) = (first.Address, second.Address, sums);
        (arguments.Scale, arguments.Accumulate) = (scale, accumulate ? 1 : 0);
        Segments.Launch(gpu, Kernel, arguments, arguments.Segment, (long)samples * tiling.Channels);
    }

    /// <summary>For a kernel with a segment for each channel of each sample: where two sums of it are.</summary>
    public static ColumnTotalArguments Arguments(
        GpuDevice gpu, Kernel kernel, ColumnTiling tiling, int samples, DeviceBuffer partials) => new()
        {
            Tiling = tiling,
            Partials = partials.Address,
            Samples = samples,
            Sums = 2,
            Segment = Segments.Size(gpu.BlockSize(kernel), (long)tiling.Pieces * tiling.Repeats),
        };

    static void Total(ColumnTotalArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(2 * BlockReduce.WarpSize);
        int channels = a.Tiling.Channels, rank = Segments.Rank(a.Segment);
        long result = Segments.Result(a.Segment);
        int sample = (int)(result / channels), channel = (int)(result - (long)sample * channels);
        Pair sums = Segments.Sum(scratch, a.Segment, OfThread(a, sample, channel, rank));
        if (rank != 0 || sample >= a.Samples) return;
        if (a.First != 0) Store((float*)a.First + result, sums.X * a.Scale, a.Accumulate);
        if (a.Second != 0) Store((float*)a.Second + result, sums.Y * a.Scale, a.Accumulate);
    }

    /// <summary>What the pieces of this thread left for a channel; zeros where there is no such sample.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair OfThread(ColumnTotalArguments a, int sample, int channel, int rank)
    {
        float* partials = (float*)a.Partials;
        int repeats = a.Tiling.Repeats, values = sample < a.Samples ? a.Tiling.Pieces * repeats : 0;
        Pair sums = default;
        for (int i = rank; i < values; i += a.Segment)
        {
            int piece = i / repeats, repeat = i - piece * repeats;
            long line = ((long)sample * a.Tiling.Pieces + piece) * a.Sums * a.Tiling.LineFloats;
            long at = line + repeat * a.Tiling.Channels + channel;
            sums.X += partials[at];
            if (a.Sums == 2) sums.Y += partials[at + a.Tiling.LineFloats];
        }
        return sums;
    }

    static void Store(float* target, float value, int accumulate) =>
        *target = accumulate != 0 ? *target + value : value;
}
