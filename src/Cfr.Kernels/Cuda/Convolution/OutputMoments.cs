using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OutputMoments"/>.</summary>
struct OutputMomentArguments
{
    public long Partials, Mean, Variance;

    /// <summary>Boxes that share a statistic, and all of them.</summary>
    public int Boxes, AllBoxes;
    public int Channels, Statistics, Segment;
}

/// <summary>
/// Statistics of a convolution's outputs from what its blocks leave of them: count, mean and sum of squared deviations
/// of each channel in each box, <c>[3, channels, boxes]</c>, where a box is any set of voxels. They are merged in a
/// tree, whose threads read side by side.
/// </summary>
static unsafe class OutputMoments
{
    const int Rows = 3;

    static readonly Kernel<OutputMomentArguments> Kernel = new("convolution_moments_merge", Merge)
    {
        Threads = Segments.Threads,
    };

    /// <summary>Floats that the blocks leave.</summary>
    public static long Floats(long boxes, int channels) => boxes * Rows * channels;

    /// <summary>Leaves those of a channel in a box.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(
        long partials, int boxes, int channels, int channel, int box, float count, float mean, float squares)
    {
        float* row = (float*)partials + (long)channel * boxes + box;
        long table = (long)channels * boxes;
        (row[0], row[table], row[2 * table]) = (count, mean, squares);
    }

    /// <summary>
    /// Mean and biased variance of each channel, or of each channel of each sample, whose boxes are then neighbours.
    /// </summary>
    public static void Launch(
        GpuDevice gpu, nint partials, int boxes, int batch, int channels, OutputStatistics statistics)
    {
        int samples = statistics.AcrossBatch ? 1 : batch, boxesOfSample = boxes / samples;
        var arguments = new OutputMomentArguments
        {
            Partials = partials,
            Mean = statistics.Mean.Address,
            Variance = statistics.Variance.Address,
            Boxes = boxesOfSample,
            AllBoxes = boxes,
            Channels = channels,
            Statistics = samples * channels,
            Segment = Segments.Size(gpu.BlockSize(Kernel), boxesOfSample),
        };
        Segments.Launch(gpu, Kernel, arguments, arguments.Segment, arguments.Statistics);
    }

    /// <summary>Mean and biased variance of each statistic from those of its boxes; a segment of threads each.</summary>
    static void Merge(OutputMomentArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(4 * BlockReduce.WarpSize);
        long statistic = Segments.Result(a.Segment);
        int rank = Segments.Rank(a.Segment), sample = (int)(statistic / a.Channels);
        var all = new Moments(0, 0, 0, 0);
        float* row = (float*)a.Partials + (statistic - (long)sample * a.Channels) * a.AllBoxes + (long)sample * a.Boxes;
        int boxes = statistic < a.Statistics ? a.Boxes : 0;
        for (int box = rank; box < boxes; box += 4 * a.Segment)
        {
            // Four on their way at once.
            Moments m0 = OfBox(a, row, box), m1 = OfBox(a, row, box + a.Segment);
            Moments m2 = OfBox(a, row, box + 2 * a.Segment), m3 = OfBox(a, row, box + 3 * a.Segment);
            all = Moments.Merge(all, Moments.Merge(Moments.Merge(m0, m1), Moments.Merge(m2, m3)));
        }
        all = ChannelMoments.AcrossSegment(scratch, a.Segment, all);
        if (rank != 0 || statistic >= a.Statistics) return;
        ((float*)a.Mean)[statistic] = all.Pivot + all.Shift;
        ((float*)a.Variance)[statistic] = all.Squares / all.Count;
    }

    /// <summary>Those of a box; none behind the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Moments OfBox(OutputMomentArguments a, float* row, int box)
    {
        int at = Ptx.Min(box, a.Boxes - 1);
        long table = (long)a.Channels * a.AllBoxes;
        float count = row[at];
        return new Moments(box < a.Boxes ? count : 0f, row[table + at], 0, row[2 * table + at]);
    }
}
