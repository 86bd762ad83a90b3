namespace Cfr.Kernels;

/// <summary>
/// Where a <see cref="BufferPool"/> keeps idle memory, by size. A recorded graph has a shelf of its own, so that nobody
/// else is lent what its replays write to.
/// </summary>
sealed class Shelf
{
    readonly Dictionary<long, Stack<nint>> _idle = [];
    Shelf? _mergedInto;

    /// <summary>Takes memory of exactly this size, if there is any.</summary>
    public bool TryTake(long bytes, out nint address)
    {
        address = 0;
        return _idle.TryGetValue(bytes, out var addresses) && addresses.TryPop(out address);
    }

    /// <summary>Puts memory back; it ends on the shelf that this one was merged into.</summary>
    public void Put(long bytes, nint address)
    {
        if (_mergedInto is { } other)
            other.Put(bytes, address);
        else if (_idle.TryGetValue(bytes, out var addresses))
            addresses.Push(address);
        else
            _idle[bytes] = new Stack<nint>([address]);
    }

    /// <summary>Takes all memory away.</summary>
    public IEnumerable<(long Bytes, nint Address)> TakeAll()
    {
        foreach (var (bytes, addresses) in _idle)
            while (addresses.TryPop(out nint address)) yield return (bytes, address);
    }

    /// <summary>Moves everything, and whatever comes back later, to another shelf.</summary>
    public void MergeInto(Shelf other)
    {
        foreach (var (bytes, address) in TakeAll()) other.Put(bytes, address);
        _mergedInto = other;
    }
}
