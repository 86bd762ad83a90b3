using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>What a norm's constants, [samples, 3, channels], are made of; weight and bias may be none.</summary>
struct ConstantArguments
{
    public long Mean, Variance, Weight, Bias, Constants;
    public Divisor Channels, ChannelsOfGroup;

    /// <summary>Channels of all samples.</summary>
    public int Count;
    public int Groups;
    public float Eps;
    public RunningArguments Running;
}

/// <summary>
/// What makes the constants of a channel besides its mean and variance. All is read at once, without a branch that would
/// wait for it: what does not exist from where something is, and not used.
/// </summary>
unsafe struct ChannelParameters
{
    float _weight, _bias, _runningMean, _runningVariance, _batches;

    /// <summary>Those of a channel, the i-th of all samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelParameters Read(ConstantArguments a, int channel, int i)
    {
        bool runs = i < a.Running.Count;
        return new()
        {
            _weight = Read(a.Weight, channel, a.Weight != 0, a.Mean),
            _bias = Read(a.Bias, channel, a.Bias != 0, a.Mean),
            _runningMean = Read(a.Running.RunningMean, i, runs, a.Mean),
            _runningVariance = Read(a.Running.RunningVariance, i, runs, a.Mean),
            _batches = Read(a.Running.Batches, 0, a.Running.Batches != 0, a.Mean),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Read(long values, int i, bool exists, long other) => *(float*)(exists ? values + 4L * i : other);

    /// <summary>Writes mean, scale and bias, and updates what is running.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(ConstantArguments a, int sample, int channel, int i, float mean, float variance)
    {
        int channels = a.Channels.Value;
        float* row = (float*)a.Constants + (long)sample * ChannelConstants.Rows * channels + channel;
        row[0] = mean;
        row[channels] = (a.Weight == 0 ? 1f : _weight) / Ptx.Sqrt(variance + a.Eps);
        row[2 * channels] = a.Bias == 0 ? 0f : _bias;
        if (i >= a.Running.Count) return;
        RunningStatistics.Update(a.Running, i, _runningMean, _runningVariance, mean, variance);
        if (i == 0 && a.Running.Batches != 0) *(float*)a.Running.Batches = _batches + 1;
    }
}

/// <summary>
/// Mean, scale = weight / sqrt(variance + eps) and bias of a thread's four columns, read once before its lines.
/// </summary>
unsafe struct ChannelConstants
{
    public FourLanes Mean, Scale, Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ChannelConstants(ColumnArguments a, ColumnThread thread)
    {
        int c0 = FirstChannel(a, thread), c1 = Next(a, c0), c2 = Next(a, c1), c3 = Next(a, c2);
        int first = thread.Sample * a.Groups;
        int s0 = first + c0 / a.ChannelsOfGroup, s1 = first + c1 / a.ChannelsOfGroup;
        int s2 = first + c2 / a.ChannelsOfGroup, s3 = first + c3 / a.ChannelsOfGroup;
        Mean = Gather(a.Mean, s0, s1, s2, s3, 0);
        FourLanes variance = Gather(a.Variance, s0, s1, s2, s3, 0);
        Scale = FourLanes.Hold(Gather(a.Weight, c0, c1, c2, c3, 1) / FourLanes.Sqrt(variance + FourLanes.Splat(a.Eps)));
        Bias = Gather(a.Bias, c0, c1, c2, c3, 0);
    }

    /// <summary>Those of a table [samples, 3, channels] that <see cref="Write"/> made.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelConstants OfTable(ColumnArguments a, ColumnThread thread, long table)
    {
        int first = thread.Sample * Rows, c0 = FirstChannel(a, thread), c1 = Next(a, c0), c2 = Next(a, c1);
        int c3 = Next(a, c2);
        return new ChannelConstants
        {
            Mean = Gather(Row(a, table, first), c0, c1, c2, c3, 0),
            Scale = Gather(Row(a, table, first + 1), c0, c1, c2, c3, 0),
            Bias = Gather(Row(a, table, first + 2), c0, c1, c2, c3, 0),
        };
    }

    /// <summary>Rows of a sample in such a table.</summary>
    public const int Rows = 3;

    /// <summary>
    /// Writes mean, scale and bias of each channel of each sample, and updates what is running; a thread each.
    /// </summary>
    public static void Write(ConstantArguments a)
    {
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            int sample = i / a.Channels, channel = i - sample * a.Channels.Value;
            int statistic = sample * a.Groups + channel / a.ChannelsOfGroup;
            float mean = ((float*)a.Mean)[statistic], variance = ((float*)a.Variance)[statistic];
            ChannelParameters.Read(a, channel, i).Write(a, sample, channel, i, mean, variance);
        }
    }

    /// <summary>Values of a table [samples, channels] in a thread's columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes OfSample(ColumnArguments a, ColumnThread thread, long table)
    {
        int c0 = FirstChannel(a, thread), c1 = Next(a, c0), c2 = Next(a, c1), c3 = Next(a, c2);
        return Gather(Row(a, table, thread.Sample), c0, c1, c2, c3, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Row(ColumnArguments a, long table, int row) => table + 4L * row * a.Tiling.Channels;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int FirstChannel(ColumnArguments a, ColumnThread thread) =>
        thread.Active ? 4 * thread.Column % a.Tiling.Channels : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Next(ColumnArguments a, int channel) => channel + 1 == a.Tiling.Channels ? 0 : channel + 1;

    /// <summary>Four values of a table, or a constant where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Gather(long table, int i, int j, int k, int l, float constant)
    {
        float* values = (float*)table;
        return table == 0
            ? FourLanes.Splat(constant)
            : new(new(values[i]), new(values[j]), new(values[k]), new(values[l]));
    }
}
