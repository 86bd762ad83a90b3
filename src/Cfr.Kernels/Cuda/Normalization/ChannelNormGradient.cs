using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Backward of a channel norm and its activation. With d = x - mean and g = dy act'(d scale + bias): g and g d, which
/// are summed over each channel (8 bytes an element); then <c>dx = g scale - shift - d slope</c> (12 bytes an
/// element).
/// </summary>
struct ChannelGradientTerm<TActivation, TGradient>(ChannelConstants constants)
    : IColumnTerm<ChannelGradientTerm<TActivation, TGradient>>
    where TActivation : struct, IActivation where TGradient : struct, ILineGradient
{
    ChannelConstants _constants = constants;

    public static int Sums => 2;

    public static bool ReadsDy => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Dy(ColumnArguments a, ColumnThread thread, int packed, long offset, long line) =>
        TGradient.Load(a, thread, packed, offset, line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelGradientTerm<TActivation, TGradient> Of(ColumnArguments a, ColumnThread thread) =>
        new(new ChannelConstants(a, thread));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line)
    {
        FourLanes d = x - _constants.Mean, g = ChannelNormGradient.Inner<TActivation>(_constants, d, dy);
        return new(sums.First + g, FourLanes.MultiplyAdd(g, d, sums.Second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Result(ColumnPair sums, FourLanes count) => sums;
}

/// <summary>
/// Arguments of the stages behind the sums over pieces: SumG and SumGD, Shift and Slope are [samples, channels].
/// </summary>
struct ChannelGradientArguments
{
    public long SumG, SumGD, Variance, Weight, Shift, Slope, DWeight, DBias, Count;
    public int Samples, Channels, Groups, ChannelsOfGroup, Segment;
    public float Eps;
}

/// <summary>Arguments of <see cref="ChannelNormGradient.Totals"/>.</summary>
struct ChannelTotalArguments
{
    public ColumnTotalArguments Pieces;
    public ChannelGradientArguments Gradient;
}

/// <summary>The passes behind the sums over pieces.</summary>
static unsafe class ChannelNormGradient
{
    /// <summary>
    /// Adds the sums of the pieces and does all that follows from them, where each channel has statistics of its own.
    /// Written is what has an address; dWeight and dBias have one only where there is one sample.
    /// </summary>
    public static void Totals(ChannelTotalArguments arguments)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(ColumnTotals.Scratch);
        ChannelGradientArguments a = arguments.Gradient;
        var thread = new TotalThread(arguments.Pieces);
        int channel = thread.Channel, at = thread.Sample * a.Channels + channel;
        // On their way while the pieces are: no branch waits for them.
        int some = thread.Exists ? channel : 0;
        float weight = ((float*)(a.Weight == 0 ? a.Variance : a.Weight))[some];
        float variance = ((float*)a.Variance)[thread.Sample * a.Channels + some], share = 1f / a.Count;
        Pair sums = ColumnTotals.Sum(scratch, arguments.Pieces, thread);
        if (!thread.Ends) return;
        float inverse = 1 / Ptx.Sqrt(variance + a.Eps), w = a.Weight == 0 ? share : weight * share;
        float sumG = sums.X, sumGD = sums.Y, sumGN = sumGD * inverse;
        if (a.Shift != 0) ((float*)a.Shift)[at] = inverse * (w * sumG);
        if (a.Slope != 0) ((float*)a.Slope)[at] = inverse * inverse * (w * sumGN);
        if (a.SumG != 0) ((float*)a.SumG)[at] = sumG;
        if (a.SumGD != 0) ((float*)a.SumGD)[at] = sumGD;
        if (a.DWeight != 0) ((float*)a.DWeight)[channel] = sumGN;
        if (a.DBias != 0) ((float*)a.DBias)[channel] = sumG;
    }

    /// <summary>
    /// Of dx = r (g w - mean(g w) - n mean(g w n)) with n = d r: shift = r mean(g w), slope = r r mean(g w n) for the
    /// channels of a statistic, one segment of threads each.
    /// </summary>
    public static void Coefficients(ChannelGradientArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(2 * BlockReduce.WarpSize);
        float* sumG = (float*)a.SumG, sumGD = (float*)a.SumGD, weight = (float*)a.Weight;
        float* shift = (float*)a.Shift, slope = (float*)a.Slope;
        int statistic = Segments.Result(a.Segment), rank = Segments.Rank(a.Segment), sample = statistic / a.Groups;
        int group = statistic - sample * a.Groups, firstChannel = group * a.ChannelsOfGroup;
        long first = (long)sample * a.Channels + firstChannel;
        bool mine = sample < a.Samples;
        float inverse = mine ? Inverse(a, statistic) : 0;
        Pair sums = default;
        for (int i = rank; mine && i < a.ChannelsOfGroup; i += a.Segment)
        {
            float w = a.Weight == 0 ? 1 : weight[firstChannel + i];
            sums.X += w * sumG[first + i];
            sums.Y += w * sumGD[first + i] * inverse;
        }
        sums = Segments.Sum(scratch, a.Segment, sums);
        for (int i = rank; mine && i < a.ChannelsOfGroup; i += a.Segment)
        {
            shift[first + i] = inverse * (sums.X / a.Count);
            slope[first + i] = inverse * inverse * (sums.Y / a.Count);
        }
    }

    /// <summary>dWeight = sum of g d r, dBias = sum of g over samples; a thread a channel.</summary>
    public static void Parameters(ChannelGradientArguments a)
    {
        float* sumG = (float*)a.SumG, sumGD = (float*)a.SumGD;
        for (int c = Grid.IdxX * Group.DimX + Group.IdxX; c < a.Channels; c += Grid.DimX * Group.DimX)
        {
            float dWeight = 0, dBias = 0;
            for (int sample = 0; sample < a.Samples; sample++)
            {
                float inverse = Inverse(a, (long)sample * a.Groups + c / a.ChannelsOfGroup);
                dBias += sumG[(long)sample * a.Channels + c];
                dWeight += sumGD[(long)sample * a.Channels + c] * inverse;
            }
            if (a.DWeight != 0) ((float*)a.DWeight)[c] = dWeight;
            if (a.DBias != 0) ((float*)a.DBias)[c] = dBias;
        }
    }

    /// <summary>dx; without shift and slope the statistics are constants.</summary>
    public static void Input<TActivation, TGradient>(ColumnArguments a)
        where TActivation : struct, IActivation where TGradient : struct, ILineGradient
    {
        var thread = new ColumnThread(a.Tiling);
        if (!thread.Active) return;
        var constants = new ChannelConstants(a, thread);
        FourLanes shift = FourLanes.Splat(0), slope = shift;
        if (a.Shift != 0)
        {
            shift = ChannelConstants.OfSample(a, thread, a.Shift);
            slope = ChannelConstants.OfSample(a, thread, a.Slope);
        }
        int packed = a.Tiling.Packed, blockLines = a.Tiling.BlockLines;
        long step = blockLines * thread.LineBytes, offset = thread.Start;
        for (long line = thread.FirstLine; line < thread.LastLine; line += 2 * blockLines, offset += 2 * step)
        {
            bool two = line + blockLines < thread.LastLine;
            long next = two ? offset + step : offset;
            FourLanes x0 = ColumnPacket.Load(a.X + offset, packed), x1 = ColumnPacket.Load(a.X + next, packed);
            FourLanes dy0 = TGradient.Load(a, thread, packed, offset, line);
            FourLanes dy1 = TGradient.Load(a, thread, packed, next, two ? line + blockLines : line);
            ColumnPacket.Store(a.Y + offset, packed, Element<TActivation>(constants, shift, slope, x0, dy0));
            ColumnPacket.Store(a.Y + next, packed, Element<TActivation>(constants, shift, slope, x1, dy1));
        }
        if (thread.TailCount == 0) return;
        FourLanes restX = ColumnPacket.LoadSome(a.X + thread.Tail, thread.TailCount);
        FourLanes restDy = ColumnPacket.LoadSome(a.Dy + thread.Tail, thread.TailCount);
        ColumnPacket.StoreSome(
            a.Y + thread.Tail, thread.TailCount, Element<TActivation>(constants, shift, slope, restX, restDy));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Element<TActivation>(
        ChannelConstants c, FourLanes shift, FourLanes slope, FourLanes x, FourLanes dy)
        where TActivation : struct, IActivation
    {
        FourLanes d = x - c.Mean, g = Inner<TActivation>(c, d, dy);
        return g * c.Scale - FourLanes.MultiplyAdd(d, slope, shift);
    }

    /// <summary>g = dy act'(d scale + bias)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Inner<TActivation>(ChannelConstants c, FourLanes d, FourLanes dy)
        where TActivation : struct, IActivation =>
        dy * TActivation.Derivative(FourLanes.MultiplyAdd(d, c.Scale, c.Bias));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Inverse(ChannelGradientArguments a, long statistic) =>
        1 / Ptx.Sqrt(((float*)a.Variance)[statistic] + a.Eps);
}
