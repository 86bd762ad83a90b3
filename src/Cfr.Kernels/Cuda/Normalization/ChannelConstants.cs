using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

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

    /// <summary>Values of a table [samples, channels] in a thread's columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes OfSample(ColumnArguments a, ColumnThread thread, long table)
    {
        int c0 = FirstChannel(a, thread), c1 = Next(a, c0), c2 = Next(a, c1), c3 = Next(a, c2);
        return Gather(table + 4L * thread.Sample * a.Tiling.Channels, c0, c1, c2, c3, 0);
    }

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
