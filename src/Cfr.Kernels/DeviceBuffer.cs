namespace Cfr.Kernels;

/// <summary>
/// Memory on a device, lent by a <see cref="BufferPool"/>. Holders count themselves in with <see cref="Retain"/> and
/// out with <see cref="Release"/>; the last one out gives the memory back. If all holders are simply forgotten, the
/// garbage collector gives it back.
/// </summary>
/// <remarks>
/// A promised buffer has no memory before its address is asked for: only then is it lent, and its contents written.
/// </remarks>
public sealed class DeviceBuffer
{
    readonly BufferPool _pool;
    nint _address;
    Shelf? _shelf;
    int _holders = 1;

    internal DeviceBuffer(BufferPool pool, nint address, long bytes, Shelf shelf)
    {
        _pool = pool;
        _address = address;
        _shelf = shelf;
        Bytes = bytes;
    }

    internal DeviceBuffer(BufferPool pool, long bytes, PromisedContents contents)
    {
        _pool = pool;
        Bytes = bytes;
        Promise = contents;
    }

    /// <summary>Gives forgotten memory back to the pool.</summary>
    ~DeviceBuffer()
    {
        if (_shelf is not null) _pool.Return(_address, Bytes, _shelf);
    }

    /// <summary>What it will hold; null when it does.</summary>
    public PromisedContents? Promise { get; private set; }

    /// <summary>Usable size in bytes; at least what was asked for.</summary>
    public long Bytes { get; }

    /// <summary>Address on the device, a multiple of 64.</summary>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public nint Address
    {
        get
        {
            if (_holders == 0) throw new ObjectDisposedException(nameof(DeviceBuffer), ReleasedMessage);
            if (Promise is { } contents) Keep(contents);
            return _address;
        }
    }

    /// <summary>How often its numbers were overwritten in place: what was found out of the ones before is then void.</summary>
    public int Overwritten { get; private set; }

    /// <summary>Counts one more time.</summary>
    public void Overwrite() => Overwritten++;

    /// <summary>What was made of its numbers and is kept beside them; it is disposed when they go.</summary>
    public IDisposable? Beside { get; set; }

    /// <summary>How many hold it.</summary>
    public int Holders => _holders;

    /// <summary>Counts one more holder in.</summary>
    public void Retain()
    {
        ObjectDisposedException.ThrowIf(_holders == 0, this);
        _holders++;
    }

    /// <summary>Counts one holder out.</summary>
    public void Release()
    {
        ObjectDisposedException.ThrowIf(_holders == 0, this);
        if (--_holders > 0) return;
        GC.SuppressFinalize(this);
        Promise?.Drop();
        Promise = null;
        Beside?.Dispose();
        Beside = null;
        if (_shelf is not null) _pool.Return(_address, Bytes, _shelf);
    }

    void Keep(PromisedContents contents)
    {
        (nint address, Shelf shelf) = _pool.Lend(Bytes);
        try
        {
            contents.Write(address);
        }
        catch
        {
            _pool.Return(address, Bytes, shelf);
            throw;
        }
        (_address, _shelf, Promise) = (address, shelf, null);
        contents.Drop();
    }

    const string ReleasedMessage =
        "this memory went back to the pool: its scope ended, or its gradient was cleared; return what outlives a scope";
}

/// <summary>What a promised buffer will hold.</summary>
public abstract class PromisedContents
{
    /// <summary>Launches what writes it.</summary>
    public abstract void Write(nint address);

    /// <summary>Lets go of what it is made of: it was written, or nobody will ask for it.</summary>
    public abstract void Drop();
}
