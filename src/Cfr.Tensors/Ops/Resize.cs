using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Resizing by nearest neighbours or linearly along each axis, by the rules of PyTorch's interpolate. Positions:
/// <see cref="ResamplingShape"/>.
///   images [N, H, W, C] -> [N, H', W', C], volumes [N, D, H, W, C] -> [N, D', H', W', C]
///   dx = the transposed resizing of dy
/// </summary>
public static class ResizeOp
{
    /// <summary>To the sizes [H', W'] or [D', H', W'].</summary>
    public static Tensor Resize(
        this Tensor x, ReadOnlySpan<int> size, Interpolation interpolation = Interpolation.Linear,
        bool alignCorners = false)
    {
        Expect.Type(nameof(Resize), nameof(x), x, DType.Float32);
        if (x.Rank is not (4 or 5))
            throw Expect.Mismatch(nameof(Resize), nameof(x), x, "[N, H, W, C] or [N, D, H, W, C]");
        if (size.Length != x.Rank - 2)
            throw Expect.Mismatch(nameof(Resize), nameof(x), x, $"{size.Length} axes between N and C");
        Extent input = Volume(x.Shape.AsSpan()[1..^1]), output = Volume(size);
        if (input.Voxels == 0 || Math.Min(output.D, Math.Min(output.H, output.W)) < 1)
            throw new ArgumentException($"Resize: cannot resize {input} to {output}, every axis needs a point");

        Session session = x.Session;
        Shape before = x.Shape;
        var shape = new ResamplingShape(x.Size(0), input, output, x.Size(^1), interpolation, alignCorners);
        Tensor y = session.Empty([x.Size(0), .. size, x.Size(^1)]);
        session.Device.Resampling.Forward(shape, x.View, y.View);
        return y.Record(nameof(Resize), [x], keep: [], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(before);
            session.Device.Resampling.Backward(shape, g.OfResult.View, dx.View);
            return dx;
        }));
    }

    static Extent Volume(ReadOnlySpan<int> sizes) =>
        sizes.Length == 2 ? new Extent(1, sizes[0], sizes[1]) : new Extent(sizes[0], sizes[1], sizes[2]);
}
