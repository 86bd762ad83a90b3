using System.Runtime.CompilerServices;

namespace Cfr.Kernels;

/// <summary>Up to eight sizes or strides, without an allocation.</summary>
[InlineArray(Length)]
public struct Axes
{
    /// <summary>The most axes that a copy may have.</summary>
    public const int Length = 8;

    long _first;
}

/// <summary>
/// A copy between two strided boxes of the same sizes: element (i0, i1, ...) goes from <c>sum(i * SourceStrides)</c> to
/// <c>sum(i * TargetStrides)</c>. Strides may be 0 in the source (repeat) and negative (mirror). It is permute, slice,
/// concat, pad, repeat and flip in one.
/// </summary>
public readonly record struct StridedCopy(int Rank, Axes Sizes, Axes SourceStrides, Axes TargetStrides)
{
    /// <summary>A copy along the given axes, outermost first.</summary>
    public static StridedCopy Along(
        ReadOnlySpan<long> sizes, ReadOnlySpan<long> sourceStrides, ReadOnlySpan<long> targetStrides)
    {
        Axes n = default, source = default, target = default;
        for (int axis = 0; axis < sizes.Length; axis++)
            (n[axis], source[axis], target[axis]) = (sizes[axis], sourceStrides[axis], targetStrides[axis]);
        return new StridedCopy(sizes.Length, n, source, target);
    }

    /// <summary>How many elements it moves.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            for (int axis = 0; axis < Rank; axis++) count *= Sizes[axis];
            return count;
        }
    }

    /// <summary>
    /// The same copy without axes of size 1, the others in the order of their target strides, the largest first, and
    /// merged where both sides step through them as one.
    /// </summary>
    internal StridedCopy Simplified()
    {
        var (rank, size, source, target) = (0, Sizes, SourceStrides, TargetStrides);
        for (int axis = 0; axis < Rank; axis++)
        {
            if (size[axis] == 1) continue;
            (size[rank], source[rank], target[rank]) = (size[axis], source[axis], target[axis]);
            rank++;
        }
        for (int sorted = 1; sorted < rank; sorted++)
            for (int i = sorted; i > 0 && Math.Abs(target[i]) > Math.Abs(target[i - 1]); i--)
            {
                (size[i], size[i - 1]) = (size[i - 1], size[i]);
                (source[i], source[i - 1]) = (source[i - 1], source[i]);
                (target[i], target[i - 1]) = (target[i - 1], target[i]);
            }
        int last = 0;
        for (int axis = 1; axis < rank; axis++)
        {
            if (source[last] == size[axis] * source[axis] && target[last] == size[axis] * target[axis])
                size[last] *= size[axis];
            else
                size[++last] = size[axis];
            (source[last], target[last]) = (source[axis], target[axis]);
        }
        return new StridedCopy(Math.Min(rank, last + 1), size, source, target);
    }
}

/// <summary>Copies that rearrange. Elements of 4 bytes of either kind, float32 or int32.</summary>
public interface ILayout
{
    /// <summary>
    /// Copies a box; with <paramref name="accumulate"/> (float32 only) adds to what the target holds.
    /// </summary>
    void Copy(StridedCopy copy, View source, View target, bool accumulate = false);

    /// <summary>
    /// y[i, :] = table[index[i], :]. An index (int32) outside the table is an <see
    /// cref="ArgumentOutOfRangeException"/>; a device that runs asynchronously throws when it is next waited for.
    /// </summary>
    void Gather(long rows, int width, View table, View index, View y);

    /// <summary>dTable[index[i], :] += dy[i, :] in the order of i, over zeros; the table has tableRows rows.</summary>
    void ScatterAdd(long rows, int width, long tableRows, View dy, View index, View dTable);
}
