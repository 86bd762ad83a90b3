using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// x - p and its square, p a value of the column itself: the median of three rows of the piece, so that one outlier
/// does not spoil it. A piece leaves the distance of its mean from p, sum / n, and its sum of squared deviations, sum
/// of squares - sum^2 / n, which cancels no digits because p is close to the mean.
/// </summary>
struct MomentTerm(FourLanes pivot) : IColumnTerm<MomentTerm>
{
    FourLanes _pivot = pivot;

    public static int Sums => 2;

    public static bool ReadsDy => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Dy(ColumnArguments a, ColumnThread thread, int packed, long offset, long line) =>
        FourLanes.Splat(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MomentTerm Of(ColumnArguments a, ColumnThread thread)
    {
        long lines = a.Tiling.LinesOf(thread.Piece);
        if (!thread.Active || lines == 0) return new(FourLanes.Splat(0));
        long first = a.X + thread.Start - thread.Line * thread.LineBytes;
        FourLanes top = ColumnPacket.Load(first, a.Tiling.Packed);
        FourLanes middle = ColumnPacket.Load(first + lines / 2 * thread.LineBytes, a.Tiling.Packed);
        FourLanes bottom = ColumnPacket.Load(first + (lines - 1) * thread.LineBytes, a.Tiling.Packed);
        return new(Median(top, middle, bottom));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line)
    {
        FourLanes d = x - _pivot;
        return new(sums.First + d, FourLanes.MultiplyAdd(d, d, sums.Second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Result(ColumnPair sums, FourLanes count)
    {
        FourLanes zero = FourLanes.Splat(0), one = FourLanes.Splat(1);
        FourLanes shift = sums.First / FourLanes.Select(FourLanes.Greater(count, zero), count, one);
        return new(shift, FourLanes.Max(sums.Second - shift * sums.First, zero));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Median<V>(V a, V b, V c) where V : struct, IVector<V> => V.Max(V.Min(a, b), V.Min(V.Max(a, b), c));
}

/// <summary>
/// Count, mean and sum of squared deviations of some numbers. The mean is Pivot + Shift: where all of them are far from
/// zero, the differences of two pivots are exact, and those of two rounded means would not be.
/// </summary>
struct Moments(float count, float pivot, float shift, float squares)
{
    public float Count = count, Pivot = pivot, Shift = shift, Squares = squares;

    /// <summary>Those of two sets together (Chan, Golub and LeVeque 1979).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Moments Merge(Moments a, Moments b)
    {
        if (b.Count == 0) return a;
        if (a.Count == 0) return b;
        float count = a.Count + b.Count, delta = b.Pivot - a.Pivot + (b.Shift - a.Shift);
        float share = delta * (b.Count / count);
        return new(count, a.Pivot, a.Shift + share, a.Squares + b.Squares + delta * share * a.Count);
    }
}

/// <summary>Arguments of <see cref="ChannelMoments"/>.</summary>
struct MomentArguments
{
    public ColumnTiling Tiling;
    public long X, Partials, Mean, Variance, Statistics, Count;
    public int Groups, ChannelsOfGroup, Segment;
}

/// <summary>
/// Second stage: merges the moments of all pieces and columns of a statistic, one segment of threads each.
/// </summary>
static unsafe class ChannelMoments
{
    public static void Merge(MomentArguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(4 * BlockReduce.WarpSize);
        int statistic = Segments.Result(a.Segment);
        int rank = Segments.Rank(a.Segment);
        Moments all = statistic < a.Statistics ? OfThread(a, statistic, rank) : new(0, 0, 0, 0);
        all = AcrossSegment(scratch, a.Segment, all);
        if (rank != 0 || statistic >= a.Statistics) return;
        ((float*)a.Mean)[statistic] = all.Pivot + all.Shift;
        ((float*)a.Variance)[statistic] = all.Squares / a.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Moments OfThread(MomentArguments a, int statistic, int rank)
    {
        float* partials = (float*)a.Partials;
        int sample = statistic / a.Groups, group = statistic - sample * a.Groups;
        int lineFloats = a.Tiling.LineFloats, repeats = a.Tiling.Repeats;
        int columns = repeats * a.ChannelsOfGroup, values = a.Tiling.Pieces * columns;
        var all = new Moments(0, 0, 0, 0);
        for (int i = rank; i < values; i += a.Segment)
        {
            int piece = i / columns, column = i - piece * columns, repeat = column / a.ChannelsOfGroup;
            int lane = repeat * a.Tiling.Channels + group * a.ChannelsOfGroup + column - repeat * a.ChannelsOfGroup;
            float count = a.Tiling.LinesOf(piece);
            if (piece == a.Tiling.Pieces - 1 && lane < a.Tiling.TailFloats) count += 1;
            long at = ((long)sample * a.Tiling.Pieces + piece) * 2 * lineFloats + lane;
            float pivot = Pivot(a, sample, piece, lane);
            all = Moments.Merge(all, new(count, pivot, partials[at], partials[at + lineFloats]));
        }
        return all;
    }

    /// <summary>As the first stage chose it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Pivot(MomentArguments a, int sample, int piece, int lane)
    {
        long lines = a.Tiling.LinesOf(piece);
        if (lines == 0) return 0;
        float* column = (float*)a.X + sample * a.Tiling.SampleFloats + lane;
        long first = piece * a.Tiling.LinesPerPiece, middle = first + lines / 2, last = first + lines - 1;
        int lineFloats = a.Tiling.LineFloats;
        return MomentTerm.Median(
            new Lane(column[first * lineFloats]), new Lane(column[middle * lineFloats]),
            new Lane(column[last * lineFloats])).Value;
    }

    /// <summary>The moments of each segment's threads together, in its first one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Moments AcrossSegment(ArrayView<float> scratch, int segment, Moments all)
    {
        const int warp = BlockReduce.WarpSize;
        all = AcrossLanes(segment < warp ? segment : warp, all);
        if (segment <= warp) return all;
        int of = Group.IdxX / warp;
        if ((Group.IdxX & (warp - 1)) == 0)
        {
            scratch[of] = all.Count;
            scratch[warp + of] = all.Pivot;
            scratch[2 * warp + of] = all.Shift;
            scratch[3 * warp + of] = all.Squares;
        }
        Group.Barrier();
        int warps = segment / warp, i = (Group.IdxX / warp & -warps) + (Group.IdxX & (warps - 1));
        return AcrossLanes(warps, new(scratch[i], scratch[warp + i], scratch[2 * warp + i], scratch[3 * warp + i]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Moments AcrossLanes(int lanes, Moments all)
    {
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            all = Moments.Merge(all, new(
                Warp.ShuffleXor(all.Count, distance), Warp.ShuffleXor(all.Pivot, distance),
                Warp.ShuffleXor(all.Shift, distance), Warp.ShuffleXor(all.Squares, distance)));
        }
        return all;
    }
}
