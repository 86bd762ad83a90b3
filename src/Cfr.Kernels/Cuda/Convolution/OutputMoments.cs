using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OutputMoments"/>.</summary>
struct OutputMomentArguments
{
    public long Moments;

    /// <summary>What follows from them; constants only where they have an address.</summary>
    public ConstantArguments Norm;

    /// <summary>Boxes that share a statistic, and all of them.</summary>
    public int Boxes, AllBoxes;
    public int Segment;
}

/// <summary>
/// Statistics of a convolution's outputs from what its blocks leave of them: count, mean and sum of squared deviations
/// of each channel in each box, <c>[3, channels, boxes]</c>, where a box is any set of voxels. Threads read side by side,
/// and twice, the second time from the cache, so that nothing cancels: sums of n and n (mean - p), p being the mean of the
/// first box, then of M2 + n (mean - all)^2.
/// </summary>
static unsafe class OutputMoments
{
    /// <summary>Numbers of a channel in a box.</summary>
    public const int Rows = 3;

    static readonly Kernel<OutputMomentArguments> Kernel = new("convolution_moments_merge", Merge)
    {
        Threads = Segments.Threads,
    };

    /// <summary>Leaves those of a channel in a box.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(
        long moments, int boxes, int channels, int channel, int box, float count, float mean, float squares)
    {
        float* row = (float*)moments + (long)channel * boxes + box;
        long table = (long)channels * boxes;
        (row[0], row[table], row[2 * table]) = (count, mean, squares);
    }

    /// <summary>
    /// Mean and biased variance of each channel, or of each channel of each sample, whose boxes are then neighbours; and
    /// the norm's constants.
    /// </summary>
    public static void Launch(GpuDevice gpu, View moments, ConstantArguments norm)
    {
        int boxes = (int)(moments.Count / (Rows * norm.Channels.Value)), samples = norm.Count / norm.Channels.Value;
        var arguments = new OutputMomentArguments
        {
            Moments = moments.Address,
            Norm = norm,
            Boxes = boxes / samples,
            AllBoxes = boxes,
            Segment = Segments.Size(gpu.BlockSize(Kernel), boxes / samples),
        };
        Segments.Launch(gpu, Kernel, arguments, arguments.Segment, norm.Count);
    }

    /// <summary>A segment of threads for each channel.</summary>
    static void Merge(OutputMomentArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(Segments.Scratch);
        ArrayView<float> other = SharedMemory.Allocate<float>(Segments.Scratch);
        int result = Segments.Result(a.Segment), i = Ptx.Min(result, a.Norm.Count - 1);
        int rank = Segments.Rank(a.Segment), sample = i / a.Norm.Channels;
        int channel = i - sample * a.Norm.Channels.Value, boxes = a.Boxes;
        // On its way while the boxes are.
        var parameters = ChannelParameters.Read(a.Norm, channel, i);

        long table = (long)a.Norm.Channels.Value * a.AllBoxes;
        float* counts = (float*)a.Moments + (long)channel * a.AllBoxes + (long)sample * a.Boxes;
        float* means = counts + table, squares = means + table;
        float pivot = means[0];
        Pair sums = default;
        for (int box = rank; box < boxes; box += 2 * a.Segment)
        {
            int next = Ptx.Min(box + a.Segment, boxes - 1);
            float n0 = counts[box], n1 = counts[next], d0 = means[box] - pivot, d1 = means[next] - pivot;
            n1 = box + a.Segment < boxes ? n1 : 0f;
            sums.X += n0 + n1;
            sums.Y += n0 * d0 + n1 * d1;
        }
        sums = Segments.Sum(scratch, a.Segment, sums);
        float share = 1 / sums.X, shift = sums.Y * share;
        sums = default;
        for (int box = rank; box < boxes; box += 2 * a.Segment)
        {
            int next = Ptx.Min(box + a.Segment, boxes - 1);
            float d0 = means[box] - pivot - shift, d1 = means[next] - pivot - shift;
            float square0 = squares[box] + counts[box] * d0 * d0, square1 = squares[next] + counts[next] * d1 * d1;
            sums.X += square0 + (box + a.Segment < boxes ? square1 : 0f);
        }
        sums = Segments.Sum(other, a.Segment, sums);
        if (rank != 0 || result > i) return;
        float mean = pivot + shift, variance = sums.X * share;
        ((float*)a.Norm.Mean)[i] = mean;
        ((float*)a.Norm.Variance)[i] = variance;
        if (a.Norm.Constants != 0) parameters.Write(a.Norm, sample, channel, i, mean, variance);
    }
}
