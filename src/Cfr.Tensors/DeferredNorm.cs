using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// The contents of a tensor that is relu(norm x), perhaps with channels dropped, and has not been needed as such: a
/// convolution can read x itself and normalise it on the way. Constants are its own; before x can be overwritten, it is
/// written (<see cref="Session.Settle"/>).
/// </summary>
sealed class DeferredNorm : PromisedContents
{
    readonly Tensor _x, _constants;

    DeferredNorm(NormShape shape, Tensor x, Tensor constants) =>
        (Shape, _x, _constants) = (shape, x.Alias(x.Shape, 0, owner: null), constants);

    /// <summary>Which elements share statistics.</summary>
    public NormShape Shape { get; }

    /// <summary>Sizes of the whole.</summary>
    public Shape Of => _x.Shape;

    /// <summary>What kernels read.</summary>
    public NormalizedView View => new(Shape, _x.View, _constants.View);

    /// <summary>
    /// relu(norm x) of x's shape, put off where the device knows how, and the update of what is running; null where it does
    /// not.
    /// </summary>
    public static Tensor? TryMake(
        NormShape shape, float eps, Tensor x, View moments, Tensor mean, Tensor variance, Tensor? weight, Tensor? bias,
        RunningView running)
    {
        Session session = x.Session;
        if (session.Device.FusedNormalization is not { } kernels || x.Rank < 4 || x.Count == 0) return null;
        int samples = shape.AcrossBatch ? 1 : shape.Batch;
        Tensor constants = session.EmptyKept([samples, 3, shape.Channels]);
        kernels.Constants(
            shape, eps, moments, mean.View, variance.View, weight?.View ?? default, bias?.View ?? default,
            constants.View, running);
        return session.Promised(x.Shape, new DeferredNorm(shape, x, constants));
    }

    /// <summary>
    /// The same with each channel of each sample times a factor [N, C], none of them negative: x with other constants
    /// (<see cref="IFusedNormalization.Scale"/>).
    /// </summary>
    public Tensor Times(Tensor factors)
    {
        Session session = _x.Session;
        Tensor constants = session.EmptyKept([Shape.Batch, 3, Shape.Channels]);
        session.Device.FusedNormalization!.Scale(View, factors.View, constants.View);
        return session.Promised(_x.Shape, new DeferredNorm(Shape with { AcrossBatch = false }, _x, constants));
    }

    /// <summary>a + b in one pass, where one of them is put off and the other has its shape; else null.</summary>
    public static Tensor? TryAdd(Tensor a, Tensor b)
    {
        if (a.Shape != b.Shape) return null;
        if (a.Deferred is null) (a, b) = (b, a);
        if (a.Deferred is not { } first) return null;
        Session session = a.Session;
        IFusedNormalization kernels = session.Device.FusedNormalization!;
        Tensor y = session.Empty(a.Shape);
        if (b.Deferred is { } second && second.Shape == first.Shape)
            kernels.Add(first.View, second.View, y.View);
        else
            kernels.Add(first.View, b.View, y.View);
        return y;
    }

    /// <inheritdoc/>
    public override void Write(nint address) => _x.Session.Device.FusedNormalization!.Write(
        View, new View(address, _x.Count, DType.Float32));

    /// <inheritdoc/>
    public override void Drop()
    {
        _x.Release();
        _constants.Release();
    }
}
