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
