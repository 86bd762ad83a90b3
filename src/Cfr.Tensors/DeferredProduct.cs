using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A gradient [N, .., C] that is a product of few steps and has not been needed as such: that of what a pointwise
/// convolution of few outputs reads, before which there is a norm. The norm computes it as it reads it. Dropped channels
/// are factors of the right side, which is its own, [1 or N, steps, C].
/// </summary>
sealed class DeferredProduct : PromisedContents
{
    readonly Tensor _left, _right;

    DeferredProduct(Shape of, Tensor left, Tensor right)
    {
        Of = of;
        Tensor flat = left.Reshape(left.Size(0), -1, left.Size(^1));
        (_left, _right) = (flat.Alias(flat.Shape, 0, owner: null), right.Alias(right.Shape, 0, owner: null));
    }

    /// <summary>Sizes of the whole.</summary>
    public Shape Of { get; }

    /// <summary>What kernels read.</summary>
    public ProductView View => new(_left.View, _right.View, Steps, _right.Size(0) > 1);

    /// <summary>Whether the backward pass of such a norm can read it.</summary>
    public bool Fits(NormShape norm) => _left.Session.Device.FusedNormalization!.CanReadProduct(norm, Steps);

    int Steps => _right.Size(1);

    /// <summary>
    /// dy [N, .., steps] times the transposed weight [.., C, steps], put off where the device can make use of it; else null.
    /// </summary>
    public static Tensor? TryMake(ConvolutionShape shape, Tensor dy, Tensor weight, Shape xShape)
    {
        Session session = dy.Session;
        if (!shape.IsPointwise || xShape.Count == 0) return null;
        if (session.Device.FusedNormalization is not { } kernels) return null;
        var norm = NormShape.PerChannel(shape.Batch, shape.Input.Voxels, shape.InChannels);
        int steps = shape.OutChannels, channels = shape.InChannels;
        if (!kernels.CanReadProduct(norm, steps)) return null;
        Tensor right = session.Empty([1, steps, channels]);
        session.Device.Layout.Copy(
            StridedCopy.Along([steps, channels], [1, steps], [channels, 1]), weight.View, right.View);
        return session.Promised(xShape, new DeferredProduct(xShape, dy, right));
    }

    /// <summary>The same with each channel of each sample times a factor [N, C].</summary>
    public Tensor Times(Tensor factors)
    {
        Session session = _left.Session;
        int samples = _left.Size(0), channels = _right.Size(2), table = Steps * channels;
        Tensor each = session.Empty([samples, Steps, channels]), product = session.Empty(each.Shape);
        int between = _right.Size(0) > 1 ? table : 0;
        session.Device.Layout.Copy(
            StridedCopy.Along([samples, table], [between, 1], [table, 1]), _right.View, each.View);
        session.Device.ElementWise.Binary(
            BinaryOp.Multiply, new Broadcast(samples, Steps, channels, channels, 0, 1), each.View, factors.View,
            product.View);
        return session.Promised(Of, new DeferredProduct(Of, _left, product));
    }

    /// <inheritdoc/>
    public override void Write(nint address)
    {
        int samples = _left.Size(0), voxels = _left.Size(1), channels = _right.Size(2);
        var target = new View(address, (long)samples * voxels * channels, DType.Float32);
        Matrix left = Matrix.Dense(_left.View, voxels, Steps), right = Matrix.Dense(_right.View, Steps, channels);
        if (_right.Size(0) == 1) right = right with { BatchStride = 0 };
        _left.Session.Device.Matmul.Multiply(left, right, Matrix.Dense(target, voxels, channels), samples);
    }

    /// <inheritdoc/>
    public override void Drop()
    {
        _left.Release();
        _right.Release();
    }
}
