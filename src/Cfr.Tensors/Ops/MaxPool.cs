using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Max pooling: y[o] = max over the kernel's taps k of x[o stride + k - padding]; images likewise.
///   x [N, D, H, W, C] -> y [N, D', H', W', C], D' = (D + 2 padding - kernel) / stride + 1, rounded down
///   dx = dy where the maximum stood: the first one of equals, overlapping windows add
/// </summary>
public static class MaxPoolOps
{
    /// <summary>Of volumes [N, D, H, W, C]; the stride is the kernel's size unless given.</summary>
    public static Tensor MaxPool3d(this Tensor x, Extent kernel, Extent? stride = null, Extent padding = default)
    {
        if (x.Rank != 5) throw Expect.Mismatch(nameof(MaxPool3d), nameof(x), x, "[N, D, H, W, C]");
        var input = new Extent(x.Size(1), x.Size(2), x.Size(3));
        return MaxPool(
            nameof(MaxPool3d), x, input, kernel, stride ?? kernel, padding, output => [output.D, output.H, output.W]);
    }

    /// <summary>Of images [N, H, W, C]; the stride is the kernel's size unless given.</summary>
    public static Tensor MaxPool2d(
        this Tensor x, (int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default)
    {
        if (x.Rank != 4) throw Expect.Mismatch(nameof(MaxPool2d), nameof(x), x, "[N, H, W, C]");
        (int strideH, int strideW) = stride ?? kernel;
        return MaxPool(
            nameof(MaxPool2d), x, new Extent(1, x.Size(1), x.Size(2)), new Extent(1, kernel.H, kernel.W),
            new Extent(1, strideH, strideW), new Extent(0, padding.H, padding.W), output => [output.H, output.W]);
    }

    static Tensor MaxPool(
        string op, Tensor x, Extent input, Extent kernel, Extent stride, Extent padding, Func<Extent, int[]> sizes)
    {
        Expect.Type(op, nameof(x), x, DType.Float32);
        var output = new Extent(
            Size(op, input.D, kernel.D, stride.D, padding.D), Size(op, input.H, kernel.H, stride.H, padding.H),
            Size(op, input.W, kernel.W, stride.W, padding.W));
        Session session = x.Session;
        Shape before = x.Shape, after = [x.Size(0), .. sizes(output), x.Size(^1)];
        var shape = new PoolingShape(x.Size(0), input, x.Size(^1), output, kernel, stride, padding);
        Tensor y = session.Empty(after), argMax = session.Empty(after, DType.Int32);
        session.Device.Pooling.MaxForward(shape, x.View, y.View, argMax.View);
        return y.Record(op, [x], keep: [argMax], backward: g => g.Add(0, () =>
        {
            Tensor dx = session.Empty(before);
            session.Device.Pooling.MaxBackward(shape, g.OfResult.View, g.Kept(0).View, dx.View);
            return dx;
        }));
    }

    static int Size(string op, int input, int kernel, int stride, int padding)
    {
        bool fits = kernel >= 1 && stride >= 1 && padding >= 0 && 2 * padding <= kernel
            && input + 2 * padding >= kernel;
        return fits
            ? (input + 2 * padding - kernel) / stride + 1
            : throw new ArgumentException(
                $"{op}: kernel {kernel} with stride {stride} and padding {padding} does not fit an axis of {input}; "
                + "padding may be half the kernel at most");
    }
}
