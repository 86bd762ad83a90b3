namespace Cfr.Kernels;

/// <summary>
/// Memory on a device, lent by a <see cref="BufferPool"/>. Holders count themselves in with <see cref="Retain"/> and
/// out with <see cref="Release"/>; the last one out gives the memory back. If all holders are simply forgotten, the
/// garbage collector gives it back.
/// </summary>
public sealed class DeviceBuffer
{
    readonly BufferPool _pool;
    readonly nint _address;
    readonly Shelf _shelf;
    int _holders = 1;

    internal DeviceBuffer(BufferPool pool, nint address, long bytes, Shelf shelf)
    {
        _pool = pool;
        _address = address;
        _shelf = shelf;
        Bytes = bytes;
    }

    /// <summary>Gives forgotten memory back to the pool.</summary>
    ~DeviceBuffer() => _pool.Return(_address, Bytes, _shelf);

    /// <summary>Usable size in bytes; at least what was asked for.</summary>
    public long Bytes { get; }

    /// <summary>Address on the device, a multiple of 64.</summary>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public nint Address =>
        _holders > 0 ? _address : throw new ObjectDisposedException(nameof(DeviceBuffer), ReleasedMessage);

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
        _pool.Return(_address, Bytes, _shelf);
    }

    const string ReleasedMessage =
        "this memory went back to the pool: its scope ended, or its gradient was cleared; return what outlives a scope";
}
