using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// How a small operand repeats along a large one: shapes are aligned at their last axes; an axis that is missing or of
/// size 1 repeats. Kernels know three levels, so a pattern such as [A, 1, B, 1] along [A, M, B, N] is refused.
/// </summary>
static class Repetition
{
    /// <summary>The kernel's form of it, or null if the small shape does not fit.</summary>
    public static Broadcast? Of(Shape large, Shape small)
    {
        if (!Fits(large, small)) return null;
        Span<(long Size, long Stride)> levels = stackalloc (long, long)[large.Rank + 3];
        int count = 0, missing = large.Rank - small.Rank;
        for (int axis = 0; axis < large.Rank; axis++)
        {
            long size = large[axis];
            if (size == 1) continue;
            long stride = axis < missing || small[axis - missing] == 1 ? 0 : small.Stride(axis - missing);
            if (count > 0 && levels[count - 1].Stride == size * stride)
                levels[count - 1] = (levels[count - 1].Size * size, stride);
            else
                levels[count++] = (size, stride);
        }
        if (count > 3) return null;
        for (; count < 3; count++)
        {
            levels[..count].CopyTo(levels[1..]);
            levels[0] = (1, 0);
        }
        return new Broadcast(
            levels[0].Size, levels[1].Size, levels[2].Size, levels[0].Stride, levels[1].Stride, levels[2].Stride);
    }

    /// <summary>Whether the small shape repeats along the large one.</summary>
    public static bool Fits(Shape large, Shape small)
    {
        if (small.Rank > large.Rank) return false;
        for (int axis = 1; axis <= small.Rank; axis++)
            if (small[^axis] != large[^axis] && small[^axis] != 1)
                return false;
        return true;
    }

    /// <summary>The operands of a symmetric function, the one that may repeat second.</summary>
    public static (Tensor Large, Tensor Small) LargerFirst(string op, Tensor a, Tensor b)
    {
        Check(op, a, b);
        return Of(a.Shape, b.Shape) is not null ? (a, b) : (b, a);
    }

    /// <summary>The operands with the first one written out if it is the one that repeats.</summary>
    public static (Tensor Large, Tensor Small) ExpandFirst(string op, Tensor a, Tensor b)
    {
        Check(op, a, b);
        return Of(a.Shape, b.Shape) is not null ? (a, b) : (a.Expand(b.Shape), b);
    }

    /// <summary>The gradient of the small operand: the sum over everything along which it repeats.</summary>
    public static Tensor Sum(Tensor gradient, Shape small, float scale = 1)
    {
        if (gradient.Shape == small && scale == 1) return gradient;
        bool[] summed = new bool[gradient.Rank];
        int missing = gradient.Rank - small.Rank;
        for (int axis = 0; axis < summed.Length; axis++)
            summed[axis] = axis < missing || (small[axis - missing] == 1 && gradient.Shape[axis] != 1);
        return SumOps.OverAxes(gradient, summed, scale).Alias(small);
    }

    static void Check(string op, Tensor a, Tensor b)
    {
        Session.Common(op, a, b);
        Expect.Type(op, nameof(a), a, DType.Float32);
        Expect.Type(op, nameof(b), b, DType.Float32);
        if (Of(a.Shape, b.Shape) is null && Of(b.Shape, a.Shape) is null)
            throw Expect.Mismatch(op, nameof(b), b, $"{a.Shape}, or a shape that repeats along it");
    }
}
