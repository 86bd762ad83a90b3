using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ChannelConstants.Write"/>.</summary>
struct ConstantArguments
{
    public ColumnArguments Norm;
    public RunningArguments Running;
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
    /// Writes mean, scale and bias of each channel of each sample to Y, and updates what is running; a thread each.
    /// </summary>
    public static void Write(ConstantArguments arguments)
    {
        ColumnArguments a = arguments.Norm;
        int channels = a.Tiling.Channels, count = a.Tiling.Pieces * channels;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += Grid.DimX * Group.DimX)
        {
            int sample = i / channels, channel = i - sample * channels;
            int statistic = sample * a.Groups + channel / a.ChannelsOfGroup;
            float* row = (float*)a.Y + (long)sample * Rows * channels + channel;
            float weight = a.Weight == 0 ? 1 : ((float*)a.Weight)[channel];
            row[0] = ((float*)a.Mean)[statistic];
            row[channels] = weight / Ptx.Sqrt(((float*)a.Variance)[statistic] + a.Eps);
            row[2 * channels] = a.Bias == 0 ? 0 : ((float*)a.Bias)[channel];
            if (i < arguments.Running.Count) RunningStatistics.Update(arguments.Running, i);
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
