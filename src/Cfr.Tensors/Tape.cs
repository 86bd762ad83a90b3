using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>Where the gradient of a tensor is added up. Handles on the same tensor share one.</summary>
sealed class GradientSlot
{
    public Tensor? Gradient { get; private set; }

    /// <summary>The op whose result this is; null for a leaf.</summary>
    public Tape.Node? Producer { get; init; }

    /// <summary>
    /// Adds a gradient. The first one is taken as it is; others are added to it, in place if nobody else sees it.
    /// </summary>
    public void Add(Tensor gradient)
    {
        if (Producer is { IsFreed: true }) throw Producer.Gone();
        Session session = gradient.Session;
        if (Gradient is null)
        {
            Gradient = gradient.Alias(gradient.Shape, 0, owner: null);
            Gradient.SumsToZero = gradient.SumsToZero;
            return;
        }
        session.Device.ElementWise.AddScaled(gradient.View, 1, Own(Gradient).View);
    }

    /// <summary>The same by a kernel that can add to what is there: it is told where, and whether there is something.</summary>
    public void Add(Session session, Shape shape, Action<View, bool> kernel)
    {
        if (Producer is { IsFreed: true }) throw Producer.Gone();
        if (Gradient is null)
        {
            Tensor gradient = session.EmptyKept(shape);
            kernel(gradient.View, false);
            Gradient = gradient;
            return;
        }
        kernel(Own(Gradient).View, true);
    }

    /// <summary>The sum so far, to be changed: a copy where others see it.</summary>
    Tensor Own(Tensor sum)
    {
        if (!sum.IsSoleHolder)
        {
            Tensor copy = sum.Session.EmptyKept(sum.Shape);
            sum.Session.Device.ElementWise.Affine(sum.View, 1, 0, copy.View);
            Clear();
            Gradient = sum = copy;
        }
        sum.SumsToZero = false;
        return sum;
    }

    /// <summary>Adds a gradient of nothing but zeros: what is there stays as it is.</summary>
    public void AddZeros(Session session, Shape shape)
    {
        // Made even where it is not wanted yet: later may be while launches are recorded.
        Tensor zeros = session.Constant((nameof(AddZeros), shape), shape, () => new float[shape.Count]);
        if (Gradient is null) Add(zeros);
    }

    public void Clear()
    {
        Gradient?.Release();
        Gradient = null;
    }
}

/// <summary>
/// Reverse-mode differentiation: ops append a node each; <see cref="Backward"/> walks the nodes backwards, adds
/// gradients, and frees what it passes.
/// </summary>
sealed class Tape
{
    readonly List<Node> _nodes = [];

    public int Length => _nodes.Count;

    public void Append(Node node) => _nodes.Add(node);

    /// <summary>
    /// Drops what was recorded after the first <paramref name="length"/> nodes and never walked back.
    /// </summary>
    public void Truncate(int length)
    {
        for (int i = _nodes.Count - 1; i >= length; i--) _nodes[i].Free();
        if (length < _nodes.Count) _nodes.RemoveRange(length, _nodes.Count - length);
    }

    public void Backward(Tensor root, Tensor gradient)
    {
        Session session = root.Session;
        if (root.Slot is not { } slot)
            throw new InvalidOperationException("Backward: this tensor depends on no tensor that requires a gradient");
        if (slot.Producer is null)
        {
            slot.Add(gradient);
            return;
        }
        using Session.GradMode mode = session.SetGrad(false);
        slot.Add(gradient);
        int next = _nodes.LastIndexOf(slot.Producer);
        try
        {
            for (; next >= 0; next--)
            {
                Node node = _nodes[next];
                if (node.Result.Gradient is null) continue;
                using (session.Scope()) node.Backward();
                node.Free();
            }
        }
        finally
        {
            // After an error nothing of this pass may be left for the next one.
            for (; next >= 0; next--)
                if (_nodes[next].Result.Gradient is not null) _nodes[next].Free();
            _nodes.RemoveAll(node => node.IsFreed);
        }
    }

    /// <summary>One recorded op.</summary>
    public sealed class Node
    {
        readonly GradientSlot?[] _inputs;
        readonly Tensor?[] _kept;
        Action<Gradient>? _backward;

        public Node(string op, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> keep, Action<Gradient> backward)
        {
            Op = op;
            Result = new GradientSlot { Producer = this };
            _backward = backward;
            _inputs = new GradientSlot?[inputs.Length];
            for (int i = 0; i < inputs.Length; i++) _inputs[i] = inputs[i]?.Slot;
            _kept = new Tensor?[keep.Length];
            for (int i = 0; i < keep.Length; i++)
            {
                if (keep[i] is not { } tensor) continue;
                _kept[i] = tensor.Alias(tensor.Shape, 0, owner: null);
                _kept[i]!.Slot = tensor.Slot;
            }
        }

        public string Op { get; }

        public GradientSlot Result { get; }

        public bool IsFreed { get; private set; }

        /// <summary>The error of whoever needs this node after it is gone.</summary>
        public InvalidOperationException Gone() => new(
            $"Backward: the tape behind this result of {Op} was already walked back or dropped; "
            + "run the forward pass again, or add the losses and walk back once");

        public void Backward() => _backward!(new Gradient(Result.Gradient!, _inputs, _kept));

        public void Free()
        {
            if (IsFreed) return;
            IsFreed = true;
            Result.Clear();
            foreach (Tensor? tensor in _kept) tensor?.Release();
            Array.Clear(_kept);
            // What it holds besides, a result that was put off needed to be written.
            _backward = null;
        }
    }
}

/// <summary>
/// What an op's backward function sees: the gradient of its result, what it kept, and where its inputs' gradients go.
/// </summary>
sealed class Gradient(Tensor ofResult, GradientSlot?[] inputs, Tensor?[] kept)
{
    /// <summary>dL/dy, y being the op's result.</summary>
    public Tensor OfResult => ofResult;

    /// <summary>The i-th tensor that the op kept.</summary>
    public Tensor Kept(int index) =>
        kept[index] ?? throw new InvalidOperationException($"nothing was kept as number {index}");

    /// <summary>The i-th tensor that the op kept, or null if there was none.</summary>
    public Tensor? KeptOrNull(int index) => kept[index];

    /// <summary>True if the i-th input's gradient is needed.</summary>
    public bool Wants(int input) => inputs[input] is not null;

    /// <summary>Adds to the gradient of the i-th input; a gradient that nobody needs is never computed.</summary>
    public void Add(int input, Func<Tensor> gradient)
    {
        if (inputs[input] is { } slot) slot.Add(gradient());
    }

    /// <summary>Adds to the gradient of the i-th input, if it needs one.</summary>
    public void Add(int input, Tensor gradient) => inputs[input]?.Add(gradient);

    /// <summary>
    /// Has a kernel add to the gradient of the i-th input, which has a shape: it is told where, and whether there is something
    /// to be added to.
    /// </summary>
    public void Add(int input, Shape shape, Action<View, bool> kernel) =>
        inputs[input]?.Add(ofResult.Session, shape, kernel);

    /// <summary>Adds the sum of dL/dy over all but its channels, without reading it where that is known to be zero.</summary>
    public void AddSumOfVoxels(int input)
    {
        if (inputs[input] is not { } slot) return;
        Session session = ofResult.Session;
        int channels = ofResult.Size(^1);
        if (ofResult.SumsToZero)
        {
            slot.AddZeros(session, [channels]);
            return;
        }
        Tensor sum = session.Empty([channels]);
        session.Device.Reduction.Sum(1, ofResult.Count / Math.Max(1, channels), channels, ofResult.View, sum.View);
        slot.Add(sum);
    }
}

/// <summary>How ops write themselves on the tape.</summary>
static class Recording
{
    /// <summary>
    /// Records that <paramref name="result"/> came from <paramref name="inputs"/>. Nothing happens if none of them
    /// requires a gradient or recording is off. Only what stands in <paramref name="keep"/> survives until the backward
    /// pass.
    /// </summary>
    public static Tensor Record(
        this Tensor result, string op, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> keep,
        Action<Gradient> backward)
    {
        bool needed = false;
        foreach (Tensor? input in inputs) needed |= input is { RequiresGrad: true };
        return needed ? result.RecordAlways(op, inputs, keep, backward) : result;
    }

    /// <summary>The same for an op whose parameters are not among its inputs.</summary>
    public static Tensor RecordAlways(
        this Tensor result, string op, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> keep,
        Action<Gradient> backward)
    {
        if (!result.Session.GradEnabled) return result;
        var node = new Tape.Node(op, inputs, keep, backward);
        result.Session.Tape.Append(node);
        result.Slot = node.Result;
        return result;
    }
}
