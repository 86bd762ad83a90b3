using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// What the convolutions of images and volumes share; an image is a volume of depth 1.
///   y[o] = bias + sum over taps k: x[o stride + k - padding] w[k]
///   dx[i] = sum over taps k: dy[(i + padding - k) / stride] w[k]^T, where that is whole     dw[k] = sum over o:
/// x[..]^T dy[o] A transposed convolution is the input gradient of the convolution that runs from its output to its
/// input. The bias has the sum of dy over the voxels; before a norm that is zero, and dy is not read for it
/// (<see cref="ChannelNorm"/>).
/// </summary>
static class Convolution
{
    public static Tensor Forward(
        string op, Tensor x, Tensor weight, Tensor? bias, Extent stride, Extent padding,
        Measure measure = Measure.Nothing)
    {
        Session session = Session.Common(op, x, weight, bias);
        (Extent input, Extent kernel) = Check(op, x, weight, stride, padding);
        int inChannels = weight.Size(^2), outChannels = weight.Size(^1);
        Expect.Trailing(op, nameof(x), x, inChannels);
        if (bias is not null) Expect.Shape(op, nameof(bias), bias, outChannels);
        var output = new Extent(
            Size(input.D, kernel.D, stride.D, padding.D), Size(input.H, kernel.H, stride.H, padding.H),
            Size(input.W, kernel.W, stride.W, padding.W));
        if (Math.Min(output.D, Math.Min(output.H, output.W)) < 1)
            throw Expect.Mismatch(op, nameof(x), x, $"at least {kernel} voxels, padding {padding} included");

        var shape = new ConvolutionShape(x.Size(0), input, inChannels, output, outChannels, kernel, stride, padding);
        IConvolution kernels = session.Device.Convolution;
        Shape xShape = x.Shape, weightShape = weight.Shape;
        Tensor y = session.Empty(Shape(x, output, outChannels));
        IFusedNormalization? fused = session.Device.FusedNormalization;
        bool normalizes = x.Deferred?.View is { } from && fused!.CanRead(shape, from);
        int boxes = measure == Measure.Nothing || y.Count == 0 || fused is null
            ? 0
            : fused.MeasuredBoxes(shape, measure == Measure.Batch);
        if (normalizes || boxes > 0)
        {
            fused!.Forward(
                shape, Read(x, normalizes), weight.View, bias?.View ?? default, y.View, Measured(y, boxes, measure));
        }
        else
        {
            kernels.Forward(shape, x.View, weight.View, bias?.View ?? default, y.View);
        }
        return y.Record(op, [x, weight, bias], keep: Kept(x, weight), backward: g =>
        {
            Tensor dy = g.OfResult;
            if (g.Wants(0) && DeferredProduct.TryMake(shape, dy, g.Kept(1), xShape) is { } deferred)
                g.Add(0, deferred);
            else
                g.Add(0, xShape, (dx, accumulate) => kernels.InputGradient(
                    shape, dy.View, g.Kept(1).View, default, dx, accumulate: accumulate));
            g.Add(1, () => Made(session, weightShape, dw =>
            {
                Tensor x = g.Kept(0);
                if (x.Deferred is { } deferred && fused!.CanReadForWeights(shape, deferred.View))
                    fused.WeightGradient(shape, deferred.View, dy.View, dw);
                else
                    kernels.WeightGradient(shape, x.View, dy.View, dw);
            }));
            g.AddSumOfVoxels(2);
        });
    }

    public static Tensor Transposed(
        string op, Tensor x, Tensor weight, Tensor? bias, Extent stride, Extent padding,
        Measure measure = Measure.Nothing)
    {
        Session session = Session.Common(op, x, weight, bias);
        (Extent input, Extent kernel) = Check(op, x, weight, stride, padding);
        int outChannels = weight.Size(^2), inChannels = weight.Size(^1);
        Expect.Trailing(op, nameof(x), x, inChannels);
        if (bias is not null) Expect.Shape(op, nameof(bias), bias, outChannels);
        var output = new Extent(
            TransposedSize(input.D, kernel.D, stride.D, padding.D),
            TransposedSize(input.H, kernel.H, stride.H, padding.H),
            TransposedSize(input.W, kernel.W, stride.W, padding.W));
        if (Math.Min(output.D, Math.Min(output.H, output.W)) < 1)
        {
            throw Expect.Mismatch(
                op, nameof(x), x, $"a result of at least one voxel with padding {padding}, got {output}");
        }

        var mirrored = new ConvolutionShape(x.Size(0), output, outChannels, input, inChannels, kernel, stride, padding);
        IConvolution kernels = session.Device.Convolution;
        Shape xShape = x.Shape, weightShape = weight.Shape;
        Tensor y = session.Empty(Shape(x, output, outChannels));
        IFusedNormalization? fused = session.Device.FusedNormalization;
        bool normalizes = x.Deferred?.View is { } from && fused!.CanReadTransposed(mirrored, from);
        int boxes = measure == Measure.Nothing || y.Count == 0 || fused is null
            ? 0
            : fused.MeasuredBoxesTransposed(mirrored, measure == Measure.Batch);
        if (normalizes || boxes > 0)
        {
            fused!.InputGradient(
                mirrored, Read(x, normalizes), weight.View, bias?.View ?? default, y.View,
                Measured(y, boxes, measure));
        }
        else
        {
            kernels.InputGradient(mirrored, x.View, weight.View, bias?.View ?? default, y.View);
        }
        return y.Record(op, [x, weight, bias], keep: Kept(x, weight), backward: g =>
        {
            Tensor dy = g.OfResult;
            g.Add(0, () => Made(
                session, xShape, dx => kernels.Forward(mirrored, dy.View, g.Kept(1).View, default, dx)));
            g.Add(1, () => Made(session, weightShape, dw =>
            {
                Tensor x = g.Kept(0);
                if (x.Deferred is { } deferred && fused!.CanReadTransposedForWeights(mirrored, deferred.View))
                    fused.WeightGradient(mirrored, dy.View, deferred.View, dw);
                else
                    kernels.WeightGradient(mirrored, dy.View, x.View, dw);
            }));
            g.AddSumOfVoxels(2);
        });
    }

    static (Extent Input, Extent Kernel) Check(string op, Tensor x, Tensor weight, Extent stride, Extent padding)
    {
        bool volume = x.Rank == 5;
        if (weight.Rank != x.Rank)
            throw Expect.Mismatch(op, nameof(weight), weight, volume ? "[kD, kH, kW, *, *]" : "[kH, kW, *, *]");
        bool possible = Math.Min(stride.D, Math.Min(stride.H, stride.W)) >= 1
            && Math.Min(padding.D, Math.Min(padding.H, padding.W)) >= 0;
        if (weight.Count == 0) throw Expect.Mismatch(op, nameof(weight), weight, "at least one tap and one channel");
        if (!possible)
        {
            throw new ArgumentException(
                $"{op}: stride is {stride}, padding {padding}; expected at least 1 and at least 0");
        }
        return (Volume(x.Shape.AsSpan()[1..^1]), Volume(weight.Shape.AsSpan()[..^2]));
    }

    static Extent Volume(ReadOnlySpan<int> sizes) =>
        sizes.Length == 2 ? new Extent(1, sizes[0], sizes[1]) : new Extent(sizes[0], sizes[1], sizes[2]);

    static Shape Shape(Tensor x, Extent size, int channels) => x.Rank == 4
        ? [x.Size(0), size.H, size.W, channels]
        : [x.Size(0), size.D, size.H, size.W, channels];

    static int Size(int input, int kernel, int stride, int padding) =>
        input + 2 * padding < kernel ? 0 : (input + 2 * padding - kernel) / stride + 1;

    static int TransposedSize(int input, int kernel, int stride, int padding) =>
        checked((input - 1) * stride - 2 * padding + kernel);

    /// <summary>relu(norm x) as a convolution normalises it, or x as it stands.</summary>
    static NormalizedView Read(Tensor x, bool normalizes) =>
        normalizes ? x.Deferred!.View : new NormalizedView(default, x.View, default);

    /// <summary>Room for moments of y, that goes with it, where it is measured.</summary>
    static View Measured(Tensor y, int boxes, Measure measure)
    {
        if (boxes == 0) return default;
        y.Measured = new MeasuredMoments(measure, y.Session.EmptyKept([3, y.Size(^1), boxes]), y.Overwritten);
        return y.Measured.Moments.View;
    }

    /// <summary>x is kept only for the weight's gradient, the weight only for that of x.</summary>
    static Tensor?[] Kept(Tensor x, Tensor weight) => [weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null];

    static Tensor Made(Session session, Shape shape, Action<View> fill)
    {
        Tensor tensor = session.Empty(shape);
        fill(tensor.View);
        return tensor;
    }
}
