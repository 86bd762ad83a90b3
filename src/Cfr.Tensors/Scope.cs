namespace Cfr.Tensors;

/// <summary>
/// Owns the tensors that are made while it is the innermost one. At its end their memory goes back to the pool, except
/// what was returned (it moves to the scope around) and what the tape keeps for the backward pass. Outside all scopes
/// the garbage collector does the same, later.
/// </summary>
public sealed class Scope : IDisposable
{
    readonly Session _session;
    readonly Scope? _outer;
    readonly int? _tapeLength;
    readonly List<Tensor> _owned = [];
    bool _ended;

    internal Scope(Session session, int? tapeLength)
    {
        _session = session;
        _outer = session.CurrentScope;
        _tapeLength = tapeLength;
        session.CurrentScope = this;
    }

    /// <summary>Moves a tensor to the scope around, so that it outlives this one.</summary>
    public Tensor Return(Tensor tensor)
    {
        if (tensor.Owner == this) Move(tensor, _outer);
        return tensor;
    }

    /// <summary>Moves tensors to the scope around.</summary>
    public (Tensor, Tensor) Return(Tensor first, Tensor second) => (Return(first), Return(second));

    /// <summary>Ends the scope.</summary>
    public void Dispose()
    {
        if (_ended) return;
        if (_session.CurrentScope != this)
            throw new InvalidOperationException("scopes must end in the reverse order of their beginnings");
        _ended = true;
        _session.CurrentScope = _outer;
        if (_tapeLength is { } length) _session.Tape.Truncate(length);
        foreach (Tensor tensor in _owned)
            if (tensor.Owner == this) End(tensor);
    }

    internal void Adopt(Tensor tensor)
    {
        tensor.Owner = this;
        _owned.Add(tensor);
    }

    /// <summary>Gives a tensor's memory back before the end of the scope; nobody may use it afterwards.</summary>
    internal void ReleaseEarly(Tensor tensor)
    {
        if (tensor.Owner == this) End(tensor);
    }

    /// <summary>Takes a tensor out of all scopes.</summary>
    internal static Tensor Keep(Tensor tensor)
    {
        Move(tensor, null);
        return tensor;
    }

    static void Move(Tensor tensor, Scope? to)
    {
        tensor.Owner = null;
        to?.Adopt(tensor);
    }

    static void End(Tensor tensor)
    {
        tensor.Owner = null;
        if (tensor.Slot is { Producer: null }) tensor.DropSlot();
        tensor.Release();
    }
}
