using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>Copies between boxes inside tensors; <see cref="StridedCopy"/> says what a box is.</summary>
static class Box
{
    /// <summary>Copies a box of the given shape, with these strides in the source and in the target.</summary>
    public static void Copy(
        string op, Device device, Shape shape, View source, ReadOnlySpan<long> sourceStrides, View target,
        ReadOnlySpan<long> targetStrides)
    {
        if (shape.Rank > Axes.Length)
            throw new ArgumentException($"{op}: {shape} has more than {Axes.Length} axes, too many to rearrange");
        Span<long> sizes = stackalloc long[shape.Rank];
        for (int axis = 0; axis < sizes.Length; axis++) sizes[axis] = shape[axis];
        device.Layout.Copy(StridedCopy.Along(sizes, sourceStrides, targetStrides), source, target);
    }
}
