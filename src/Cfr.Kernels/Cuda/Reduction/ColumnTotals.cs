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
    static readonly Kernel<ColumnTotalArguments> Kernel = new("column_totals", Total);

    public static void Launch(
        GpuDevice gpu, ColumnTiling tiling, int samples, DeviceBuffer partials, View first, View second,
        float scale = 1, bool accumulate = false, int sums = 2)
    {
        var arguments = new ColumnTotalArguments
        {
            Tiling = tiling,
            Partials = partials.Address,
            First = first.Address,
            Second = second.Address,
            Samples = samples,
            Sums = sums,
            Accumulate = accumulate ? 1 : 0,
            Scale = scale,
            Segment = Segments.Size(gpu.BlockSize(Kernel), (long)tiling.Pieces * tiling.Repeats),
        };
        Segments.Launch(gpu, Kernel, arguments, arguments.Segment, (long)samples * tiling.Channels);
    }

    static void Total(ColumnTotalArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(BlockReduce.WarpSize);
        int channels = a.Tiling.Channels, rank = Segments.Rank(a.Segment);
        long result = Segments.Result(a.Segment);
        int sample = (int)(result / channels), channel = (int)(result - (long)sample * channels);
        float first = 0, second = 0;
        if (sample < a.Samples && a.First != 0) first = OfThread(a, sample, channel, rank);
        if (sample < a.Samples && a.Second != 0) second = OfThread(a, sample, channel + a.Tiling.LineFloats, rank);
        first = Segments.Sum(scratch, a.Segment, first) * a.Scale;
        if (a.Second != 0) second = Segments.Sum(scratch, a.Segment, second) * a.Scale;
        if (rank != 0 || sample >= a.Samples) return;
        if (a.First != 0) Store((float*)a.First + result, first, a.Accumulate);
        if (a.Second != 0) Store((float*)a.Second + result, second, a.Accumulate);
    }

    static float OfThread(ColumnTotalArguments a, int sample, int column, int rank)
    {
        float* partials = (float*)a.Partials;
        int repeats = a.Tiling.Repeats, values = a.Tiling.Pieces * repeats;
        float sum = 0;
        for (int i = rank; i < values; i += a.Segment)
        {
            int piece = i / repeats, repeat = i - piece * repeats;
            long line = ((long)sample * a.Tiling.Pieces + piece) * a.Sums * a.Tiling.LineFloats;
            sum += partials[line + repeat * a.Tiling.Channels + column];
        }
        return sum;
    }

    static void Store(float* target, float value, int accumulate) =>
        *target = accumulate != 0 ? *target + value : value;
}
