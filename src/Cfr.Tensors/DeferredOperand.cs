using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// The contents [.., width] of a tensor that nobody has needed yet, and that its kernel can store in the type in which
/// a product takes it (<see cref="IMatmul.TypeOfA"/>). Where products alone read it, it is never there in float32; anybody
/// else has it made so. Before what it is made of can be overwritten, it is written (<see cref="Session.Settle"/>). Where it
/// is read in both types it is made twice.
/// </summary>
sealed class DeferredOperand : PromisedContents
{
    readonly Session _session;
    readonly Shape _shape;
    readonly Tensor[] _sources;
    readonly Action<View> _write;
    Tensor? _rounded;

    DeferredOperand(Session session, Shape shape, ReadOnlySpan<Tensor?> sources, Action<View> write)
    {
        (_session, _shape, _write) = (session, shape, write);
        _sources = [.. sources.ToArray().OfType<Tensor>().Select(source => source.Alias(source.Shape, 0, owner: null))];
    }

    /// <summary>How many numbers it has.</summary>
    public long Count => _shape.Count;

    /// <summary>
    /// A tensor that is made of sources by <paramref name="write"/>, which is given a view of float32 or, if it can round, of
    /// a product's type. It is written at once where a square product of its rows takes float32.
    /// </summary>
    public static Tensor Make(
        Session session, Shape shape, ReadOnlySpan<Tensor?> sources, Action<View> write, bool canRound = true)
    {
        int width = shape[^1], rows = (int)Math.Min(shape[..^1].Count, int.MaxValue);
        if (canRound && session.Device.Matmul.TypeOfA(rows, width, width) != DType.Float32)
            return session.Promised(shape, new DeferredOperand(session, shape, sources, write));
        Tensor y = session.Empty(shape);
        write(y.View);
        return y;
    }

    /// <summary>It in a product's type.</summary>
    public Tensor In(DType type) => (_rounded ??= Written(type)).Alias(_shape);

    Tensor Written(DType type)
    {
        Tensor rounded = _session.EmptyKept(_shape, type);
        try
        {
            _write(rounded.View);
            return rounded;
        }
        catch
        {
            rounded.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Write(nint address) => _write(new View(address, Count, DType.Float32));

    /// <inheritdoc/>
    public override void Drop()
    {
        foreach (Tensor source in _sources) source.Release();
        _rounded?.Release();
    }
}
