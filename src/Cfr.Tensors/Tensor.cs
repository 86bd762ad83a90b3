using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A contiguous block of numbers on a device, row-major, channels last: images <c>[N, H, W, C]</c>, volumes
/// <c>[N, D, H, W, C]</c>, tokens <c>[N, L, C]</c>. There are no strides; a view is a reshape or a run of the leading
/// axis. Nobody disposes tensors: see <see cref="Scope"/>.
/// </summary>
public sealed class Tensor
{
    readonly DeviceBuffer _buffer;
    readonly long _offset;
    MeasuredMoments? _measured;
    int? _sumsToZero;

    internal Tensor(Session session, Shape shape, DType type, DeviceBuffer buffer, long offset = 0)
    {
        Session = session;
        Shape = shape;
        DType = type;
        _buffer = buffer;
        _offset = offset;
    }

    /// <summary>The session that it belongs to; operands of an op must share one.</summary>
    public Session Session { get; }

    /// <summary>Sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>
    /// Element type: float32 for values, int32 for labels and indices. What products alone see may be bfloat16.
    /// </summary>
    public DType DType { get; }

    /// <summary>Number of axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>True if a backward pass computes a gradient for it.</summary>
    public bool RequiresGrad => Slot is not null;

    /// <summary>Whether what is made of it now changes its gradient.</summary>
    internal bool IsTrained => RequiresGrad && (Session.GradEnabled || Session.GradientsComeLater);

    /// <summary>
    /// What <see cref="Backward()"/> has added up for it since <see cref="ClearGrad"/>; null before. Only leaves
    /// (parameters and tensors that asked by <see cref="WithGrad"/>) keep theirs. Its memory may be that of other gradients, too:
    /// it is to be read.
    /// </summary>
    public Tensor? Grad => Slot?.Gradient;

    internal View View => new(_buffer.Address + (nint)(_offset * DType.Bytes()), Count, DType);

    /// <summary>What it is made of, where it was put off and nobody has needed it yet.</summary>
    internal DeferredNorm? Deferred =>
        _buffer.Promise is DeferredNorm deferred && _offset == 0 && deferred.Of == Shape ? deferred : null;

    /// <summary>The same of a gradient.</summary>
    internal DeferredProduct? DeferredGradient =>
        _buffer.Promise is DeferredProduct deferred && _offset == 0 && deferred.Of == Shape ? deferred : null;

    /// <summary>
    /// The same numbers as a product takes them in this type: rounded as they are made, unless they were needed in float32.
    /// </summary>
    internal Tensor In(DType type) =>
        type != DType && _buffer.Promise is DeferredOperand deferred && _offset == 0 && deferred.Count == Count
            ? deferred.In(type)
            : this;

    /// <summary>
    /// The same of a weight (<see cref="RoundedWeight"/>), unless a pass backward trains it: it then changes in each step.
    /// </summary>
    internal View InProduct(DType type, bool isTrained) =>
        type == DType || isTrained || _offset != 0
            ? View
            : RoundedWeight.Of(Session, _buffer, Count, type) ?? View;

    /// <summary>What the convolution that made it has measured of it; this handle alone knows.</summary>
    internal MeasuredMoments? Measured
    {
        get => _measured is { } measured && measured.Overwritten == _buffer.Overwritten ? measured : null;
        set => _measured = value;
    }

    /// <summary>
    /// Whether its sum over all but the channels is known to be zero for each of them, as that of a gradient which passed
    /// through a norm: exactly, but for the rounding of its elements. This handle alone knows.
    /// </summary>
    internal bool SumsToZero
    {
        get => _sumsToZero == _buffer.Overwritten;
        set => _sumsToZero = value ? _buffer.Overwritten : null;
    }

    /// <summary>Whether both are handles on the same memory, or on parts of it.</summary>
    internal bool SharesMemory(Tensor other) => _buffer == other._buffer;

    /// <summary>How often its memory was overwritten in place.</summary>
    internal int Overwritten => _buffer.Overwritten;

    internal GradientSlot? Slot { get; set; }

    /// <summary>The scope at whose end it goes; null if it is kept by something else.</summary>
    internal Scope? Owner { get; set; }

    /// <summary>True if nothing else holds its memory.</summary>
    internal bool IsSoleHolder => _buffer.Holders == 1;

    /// <summary>Size of an axis; <c>^1</c> is the last one.</summary>
    public int Size(Index axis) => Shape[axis];

    /// <summary>Makes this tensor a leaf whose gradient is computed, or stops that.</summary>
    /// <exception cref="InvalidOperationException">It is the result of an op.</exception>
    public Tensor WithGrad(bool requiresGrad = true)
    {
        if (Slot is { Producer: not null })
        {
            throw new InvalidOperationException(
                "only a leaf can ask for a gradient; this tensor is the result of an op");
        }
        Expect.Type(nameof(WithGrad), "tensor", this, DType.Float32);
        if (requiresGrad)
            Slot ??= new GradientSlot();
        else
            DropSlot();
        return this;
    }

    /// <summary>Forgets the gradient that was added up.</summary>
    public void ClearGrad() => Slot?.Clear();

    /// <summary>The same numbers, cut off from the tape.</summary>
    public Tensor Detach() => Alias(Shape);

    /// <summary>Gradients of all leaves with respect to this scalar; the tape is consumed.</summary>
    /// <exception cref="InvalidOperationException">
    /// It is no scalar, depends on no leaf, or was walked back before.
    /// </exception>
    public void Backward()
    {
        if (Count != 1)
        {
            throw new InvalidOperationException(
                $"Backward() needs a scalar, this tensor has shape {Shape}; "
                + "reduce it first (Sum, Mean) or give the gradient of each element: Backward(gradient)");
        }
        using Scope scope = Session.Scope();
        Backward(Session.Full(Shape, 1));
    }

    /// <summary>Gradients of all leaves, given the gradient of each element of this tensor.</summary>
    public void Backward(Tensor gradient)
    {
        Session.Common(nameof(Backward), this, gradient);
        Expect.Type(nameof(Backward), nameof(gradient), gradient, DType.Float32);
        if (gradient.Shape != Shape)
            throw Expect.Mismatch(nameof(Backward), nameof(gradient), gradient, Shape.ToString());
        Session.Tape.Backward(this, gradient);
    }

    /// <summary>The numbers, copied to the host.</summary>
    public float[] ToArray()
    {
        float[] values = new float[Count];
        CopyTo(values);
        return values;
    }

    /// <summary>Copies the numbers to the host.</summary>
    public void CopyTo(Span<float> destination)
    {
        Expect.Type(nameof(CopyTo), "tensor", this, DType.Float32);
        if (destination.Length != Count)
            throw new ArgumentException($"CopyTo: room for {destination.Length} values of shape {Shape}");
        Session.Device.Download(View, destination);
        GC.KeepAlive(this);
    }

    /// <summary>The labels or indices, copied to the host.</summary>
    public int[] ToIntArray()
    {
        Expect.Type(nameof(ToIntArray), "tensor", this, DType.Int32);
        int[] values = new int[Count];
        Session.Device.Download<int>(View, values);
        GC.KeepAlive(this);
        return values;
    }

    /// <summary>The only number of a tensor of one element.</summary>
    public float Item()
    {
        Expect.Type(nameof(Item), "tensor", this, DType.Float32);
        if (Count != 1) throw Expect.Mismatch(nameof(Item), "tensor", this, "one element");
        float value = 0;
        Session.Device.Download(View, new Span<float>(ref value));
        GC.KeepAlive(this);
        return value;
    }

    /// <summary>
    /// Starts a copy of a few numbers to the host and returns before they are there; the tensor need not live as long.
    /// </summary>
    public Arrival Fetch()
    {
        Expect.Type(nameof(Fetch), "tensor", this, DType.Float32);
        Arrival arrival = Session.Device.Fetch(View);
        GC.KeepAlive(this);
        return arrival;
    }

    /// <summary>
    /// Overwrites the numbers from the host. What was computed from the old ones and waits for its backward pass would see the
    /// new ones: overwrite between steps.
    /// </summary>
    public void Set(ReadOnlySpan<float> values)
    {
        Expect.Type(nameof(Set), "tensor", this, DType.Float32);
        if (values.Length != Count)
            throw new ArgumentException($"Set: {values.Length} values for shape {Shape}");
        Overwriting();
        Session.Device.Upload(values, View);
        GC.KeepAlive(this);
    }

    /// <summary>Overwrites every number with one value; see <see cref="Set"/>.</summary>
    public void Fill(float value)
    {
        Expect.Type(nameof(Fill), "tensor", this, DType.Float32);
        Overwriting();
        Session.Device.ElementWise.Fill(View, value);
        GC.KeepAlive(this);
    }

    /// <summary>Before its numbers change in place: what was put off or measured is of the old ones.</summary>
    /// <exception cref="InvalidOperationException">It is a constant, such as the gradient of a bias before a norm.</exception>
    internal void Overwriting()
    {
        if (Session.IsConstant(this))
        {
            throw new InvalidOperationException(
                "this tensor is a constant, as the gradient of a bias before a norm is: it cannot be overwritten");
        }
        Session.Settle();
        CountOverwrite();
    }

    /// <summary>Says that its numbers change, what was put off being written; a replay says it again.</summary>
    internal void CountOverwrite()
    {
        _buffer.Overwrite();
        Session.Recording?.Overwritten.Add(_buffer);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{DType} {Shape} on {Session.Device.Name}";

    /// <summary>Another handle on the same memory, or from element <paramref name="start"/> of it on.</summary>
    internal Tensor Alias(Shape shape, long start = 0) => Alias(shape, start, Session.CurrentScope);

    /// <summary>The same, owned by the given scope or by the caller.</summary>
    internal Tensor Alias(Shape shape, long start, Scope? owner)
    {
        _buffer.Retain();
        var alias = new Tensor(Session, shape, DType, _buffer, _offset + start);
        owner?.Adopt(alias);
        return alias;
    }

    internal void Release()
    {
        _measured?.Moments.Release();
        _measured = null;
        _buffer.Release();
    }

    internal void DropSlot()
    {
        Slot?.Clear();
        Slot = null;
    }
}
