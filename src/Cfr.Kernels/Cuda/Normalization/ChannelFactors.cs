using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ChannelFactors"/>.</summary>
struct FactorArguments
{
    /// <summary>Constants as they are, and what becomes of them.</summary>
    public ChannelTable From;
    public long To, Factors;

    public Divisor Channels;

    /// <summary>Channels of all samples.</summary>
    public int Count;
}

/// <summary>
/// Constants of a norm times a factor for each channel of each sample: relu((x - mean) s + b) m =
/// relu((x - mean) (s m) + b m). A few kilobytes, where the product would read and write a volume.
/// </summary>
static unsafe class ChannelFactors
{
    static readonly Kernel<FactorArguments> Kernel = new("channel_constants_times", Run);

    /// <summary>See <see cref="IFusedNormalization.Scale"/>.</summary>
    public static void Launch(GpuDevice gpu, NormalizedView x, View factors, View constants) => gpu.LaunchOver(
        Kernel,
        new FactorArguments
        {
            From = ChannelTable.Of(x),
            To = constants.Address,
            Factors = factors.Address,
            Channels = new Divisor(x.Shape.Channels),
            Count = checked(x.Shape.Batch * x.Shape.Channels),
        },
        (long)x.Shape.Batch * x.Shape.Channels);

    static void Run(FactorArguments a)
    {
        int channels = a.Channels.Value;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            int sample = i / a.Channels, channel = i - sample * channels;
            float* from = (float*)a.From.Address + (long)sample * a.From.BetweenSamples + channel;
            float* to = (float*)a.To + (long)sample * ChannelConstants.Rows * channels + channel;
            float factor = ((float*)a.Factors)[i];
            bool isKept = factor > 0;
            to[0] = isKept ? from[0] : 0f;
            to[channels] = isKept ? from[channels] * factor : 0f;
            to[2 * channels] = isKept ? from[2 * channels] * factor : 0f;
        }
    }
}
