using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// One device, one tape, one stream of random numbers, one stack of scopes. Every tensor belongs to a session and finds
/// all of this through it, so nothing is static and nothing is hidden. A session is used by one thread at a time.
/// </summary>
/// <example><code>
/// using var device = Device.Open("cpu");
/// var session = new Session(device, seed: 1337);
/// Tensor x = session.Tensor([1, 2, 3, 4], [2, 2]);
/// </code></example>
public sealed class Session(Device device, ulong seed = 0)
{
    /// <summary>Where the numbers are.</summary>
    public Device Device { get; } = device;

    /// <summary>Where random numbers come from.</summary>
    public RandomStream Random { get; } = new(seed);

    /// <summary>False inside <see cref="NoGrad"/>: ops record nothing.</summary>
    public bool GradEnabled { get; private set; } = true;

    /// <summary>
    /// True while a checkpointed forward pass is repeated: statistics must not be updated a second time.
    /// </summary>
    internal bool Recomputing { get; set; }

    /// <summary>What the launches touch which are being recorded; null while none are.</summary>
    internal RecordedMemory? Recording { get; set; }

    /// <summary>True in a checkpointed forward pass: nothing is recorded, but what is made takes part in a backward pass.</summary>
    internal bool GradientsComeLater { get; set; }

    const int FewPromised = 32;

    readonly Dictionary<object, Tensor> _constants = [];
    readonly List<WeakReference<DeviceBuffer>> _promised = [];
    int _mostPromised = FewPromised;

    internal Tape Tape { get; set; } = new();

    internal Scope? CurrentScope { get; set; }

    /// <summary>Opens a scope: what is made inside and not returned from it goes back to the pool at its end.</summary>
    public Scope Scope() => new(this, tapeLength: null);

    /// <summary>
    /// Opens the scope of a whole training or inference step: at its end everything made inside goes back to the pool,
    /// and what the tape still holds of it is dropped. Parameters, their gradients and optimiser states are not part of
    /// it.
    /// </summary>
    public Scope Step() => new(this, Tape.Length);

    /// <summary>Until it is disposed, nothing is recorded for a backward pass.</summary>
    public GradMode NoGrad() => SetGrad(false);

    /// <summary>A tensor of these numbers.</summary>
    public Tensor Tensor(ReadOnlySpan<float> values, Shape shape)
    {
        if (values.Length != shape.Count)
            throw new ArgumentException($"{values.Length} values do not fill shape {shape}");
        Tensor tensor = Empty(shape);
        Device.Upload(values, tensor.View);
        return tensor;
    }

    /// <summary>A tensor of labels or indices.</summary>
    public Tensor Labels(ReadOnlySpan<int> values, Shape shape)
    {
        if (values.Length != shape.Count)
            throw new ArgumentException($"{values.Length} labels do not fill shape {shape}");
        Tensor tensor = Empty(shape, DType.Int32);
        Device.Upload(values, tensor.View);
        return tensor;
    }

    /// <summary>
    /// Numbers that never change, uploaded when they are first wanted and kept as long as the session.
    /// </summary>
    /// <param name="key">What they are, equal for equal numbers alone.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="values">Makes them.</param>
    public Tensor Constant(object key, Shape shape, Func<float[]> values)
    {
        if (_constants.TryGetValue(key, out Tensor? constant)) return constant;
        constant = EmptyKept(shape);
        Device.Upload<float>(values(), constant.View);
        _constants.Add(key, constant);
        return constant;
    }

    /// <summary>Whether a tensor's memory is that of a constant, which nobody may overwrite.</summary>
    internal bool IsConstant(Tensor tensor) => _constants.Values.Any(tensor.SharesMemory);

    /// <summary>Zeros, of either kind.</summary>
    public Tensor Zeros(Shape shape, DType type = DType.Float32)
    {
        Tensor tensor = Empty(shape, type);
        // The bits of 0 are those of 0f.
        Device.ElementWise.Fill(tensor.View, 0);
        return tensor;
    }

    /// <summary>One value everywhere.</summary>
    public Tensor Full(Shape shape, float value)
    {
        Tensor tensor = Empty(shape);
        Device.ElementWise.Fill(tensor.View, value);
        return tensor;
    }

    /// <summary>Uniform random numbers in [low, high).</summary>
    public Tensor Uniform(Shape shape, float low = 0, float high = 1)
    {
        Tensor tensor = Empty(shape);
        Device.Random.Uniform(Random.Next(), tensor.View, low, high);
        return tensor;
    }

    /// <summary>Normal random numbers.</summary>
    public Tensor Normal(Shape shape, float mean = 0, float deviation = 1)
    {
        Tensor tensor = Empty(shape);
        Device.Random.Normal(Random.Next(), tensor.View, mean, deviation);
        return tensor;
    }

    /// <summary>A tensor of arbitrary contents, for a kernel to fill.</summary>
    internal Tensor Empty(Shape shape, DType type = DType.Float32)
    {
        Tensor tensor = EmptyKept(shape, type);
        CurrentScope?.Adopt(tensor);
        return tensor;
    }

    /// <summary>The same outside all scopes: for parameters and states.</summary>
    internal Tensor EmptyKept(Shape shape, DType type = DType.Float32) =>
        new(this, shape, type, Device.Allocate(type, shape.Count));

    /// <summary>A tensor whose memory is lent and written when it is first needed.</summary>
    internal Tensor Promised(Shape shape, PromisedContents contents)
    {
        DeviceBuffer buffer = Device.Pool.Promise(shape.Count * sizeof(float), contents);
        if (_promised.Count >= _mostPromised)
        {
            _promised.RemoveAll(other => !other.TryGetTarget(out DeviceBuffer? held) || held.Promise is null);
            _mostPromised = 2 * (_promised.Count + FewPromised);
        }
        _promised.Add(new WeakReference<DeviceBuffer>(buffer));
        var tensor = new Tensor(this, shape, DType.Float32, buffer);
        CurrentScope?.Adopt(tensor);
        return tensor;
    }

    /// <summary>Writes what was promised: something that it may be made of is about to change.</summary>
    internal void Settle()
    {
        foreach (WeakReference<DeviceBuffer> promised in _promised)
            if (promised.TryGetTarget(out DeviceBuffer? buffer) && buffer.Promise is not null) _ = buffer.Address;
        _promised.Clear();
    }

    internal GradMode SetGrad(bool enabled)
    {
        var mode = new GradMode(this, GradEnabled);
        GradEnabled = enabled;
        return mode;
    }

    /// <summary>The one session of an op's operands.</summary>
    /// <exception cref="ArgumentException">They belong to different sessions or devices.</exception>
    internal static Session Common(string op, Tensor first, params ReadOnlySpan<Tensor?> others)
    {
        foreach (Tensor? other in others)
        {
            if (other is null || other.Session == first.Session) continue;
            throw new ArgumentException(other.Session.Device == first.Session.Device
                ? $"{op}: operands belong to two sessions on {first.Session.Device.Name}; one session, one tape"
                : $"{op}: operands are on two devices, {first.Session.Device.Name} and {other.Session.Device.Name}");
        }
        return first.Session;
    }

    /// <summary>Restores the session's former mode when disposed.</summary>
    public readonly struct GradMode(Session session, bool before) : IDisposable
    {
        /// <summary>Restores the former mode.</summary>
        public void Dispose() => session.GradEnabled = before;
    }
}
