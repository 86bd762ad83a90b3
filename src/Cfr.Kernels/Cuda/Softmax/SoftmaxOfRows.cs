using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Softmax of wide rows and its relatives, a row a team, which reads it once from memory and then from the cache. 8
/// bytes an element forward and 12 backward.
/// </summary>
static class SoftmaxOfRows
{
    public static void Forward<TTeam, V>(SoftmaxArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = 4 * walk.Row(first, a.Rows) * a.Width;
            Exponentials<TTeam, V>(a, scratch, walk, row, out float max, out float sum);
            if (!walk.Mine(first, a.Rows)) continue;
            V inverse = V.Splat(Ptx.Hold(1 / sum)), shift = V.Splat(max);
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                long at = row + 4L * V.Width * i;
                (V.ExpOfNonPositive(V.LoadFrom(a.A + at) - shift) * inverse).StoreTo(a.Result + at);
            }
        }
    }

    public static void LogForward<TTeam, V>(SoftmaxArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = 4 * walk.Row(first, a.Rows) * a.Width;
            Exponentials<TTeam, V>(a, scratch, walk, row, out float max, out float sum);
            if (!walk.Mine(first, a.Rows)) continue;
            V logSum = V.Splat(Ptx.Hold(Logarithm.Apply(new Lane(sum)).Value)), shift = V.Splat(max);
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                long at = row + 4L * V.Width * i;
                (V.LoadFrom(a.A + at) - shift - logSum).StoreTo(a.Result + at);
            }
        }
    }

    public static void Backward<TTeam, V>(SoftmaxArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = 4 * walk.Row(first, a.Rows) * a.Width;
            V sums = V.Splat(0);
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                long at = row + 4L * V.Width * i;
                sums = V.MultiplyAdd(V.LoadFrom(a.A + at), V.LoadFrom(a.B + at), sums);
            }
            V sum = V.Splat(TTeam.Sum(scratch, walk.Size, V.Sum(sums)));
            for (int i = walk.Rank; walk.Mine(first, a.Rows) && i < a.Vectors; i += walk.Size)
            {
                long at = row + 4L * V.Width * i;
                (V.LoadFrom(a.A + at) * (V.LoadFrom(a.B + at) - sum)).StoreTo(a.Result + at);
            }
        }
    }

    public static void LogBackward<TTeam, V>(SoftmaxArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = 4 * walk.Row(first, a.Rows) * a.Width;
            V sums = V.Splat(0);
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size) sums += V.LoadFrom(a.B + row + 4L * V.Width * i);
            V sum = V.Splat(TTeam.Sum(scratch, walk.Size, V.Sum(sums)));
            for (int i = walk.Rank; walk.Mine(first, a.Rows) && i < a.Vectors; i += walk.Size)
            {
                long at = row + 4L * V.Width * i;
                (V.LoadFrom(a.B + at) - V.ExpOfNonPositive(V.LoadFrom(a.A + at)) * sum).StoreTo(a.Result + at);
            }
        }
    }

    /// <summary>The largest value of a row and the sum of exp(x - largest).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Exponentials<TTeam, V>(
        SoftmaxArguments a, ArrayView<float> scratch, RowWalk<TTeam> walk, long row, out float max, out float sum)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        V largest = V.Splat(float.NegativeInfinity), sums = V.Splat(0);
        for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            largest = V.Max(largest, V.LoadFrom(a.A + row + 4L * V.Width * i));
        max = TTeam.Max(scratch, walk.Size, V.Largest(largest));
        V shift = V.Splat(max);
        for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            sums += V.ExpOfNonPositive(V.LoadFrom(a.A + row + 4L * V.Width * i) - shift);
        sum = TTeam.Sum(scratch, walk.Size, V.Sum(sums));
    }
}
