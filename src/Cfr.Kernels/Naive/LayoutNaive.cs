using System.Numerics;

namespace Cfr.Kernels;

/// <summary>Copies that rearrange, one element at a time.</summary>
static class LayoutNaive
{
    /// <summary>target[sum(i * TargetStrides)] = source[sum(i * SourceStrides)] for all (i0, i1, ...)</summary>
    public static void Copy<T>(
        StridedCopy copy, ReadOnlySpan<T> source, Span<T> target, int from = 0, int to = 0, int axis = 0)
    {
        if (axis == copy.Rank)
        {
            target[to] = source[from];
            return;
        }
        for (int i = 0; i < copy.Sizes[axis]; i++)
        {
            Copy(copy, source, target, from, to, axis + 1);
            from += (int)copy.SourceStrides[axis];
            to += (int)copy.TargetStrides[axis];
        }
    }

    /// <summary>y[i, :] = table[index[i], :]</summary>
    public static void Gather<T>(int rows, int width, ReadOnlySpan<T> table, ReadOnlySpan<int> index, Span<T> y)
    {
        for (int i = 0; i < rows; i++)
            for (int c = 0; c < width; c++)
                y[i * width + c] = table[index[i] * width + c];
    }

    /// <summary>dTable = 0; dTable[index[i], :] += dy[i, :]</summary>
    public static void ScatterAdd<T>(int rows, int width, ReadOnlySpan<T> dy, ReadOnlySpan<int> index, Span<T> dTable)
        where T : INumber<T>
    {
        dTable.Clear();
        for (int i = 0; i < rows; i++)
            for (int c = 0; c < width; c++)
                dTable[index[i] * width + c] += dy[i * width + c];
    }
}
