using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// A caching allocator: what comes back is kept by size and lent again, so that a warm training step asks the system
/// for nothing. Sizes are rounded up to eighths of a power of two (at most 12.5 % is wasted). Thread-safe.
/// </summary>
public sealed class BufferPool
{
    const long Smallest = 256;

    readonly Func<long, nint> _allocate;
    readonly Action<nint> _free;
    readonly Shelf _main = new();
    readonly Dictionary<nint, long> _lent = [];
    readonly Lock _lock = new();
    Shelf? _recording;
    bool _closed, _gone;

    /// <summary>A pool over a device's own allocation; addresses must be multiples of 64.</summary>
    internal BufferPool(Func<long, nint> allocate, Action<nint> free)
    {
        _allocate = allocate;
        _free = free;
    }

    /// <summary>Bytes obtained from the system and not given back to it.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Bytes lent out now.</summary>
    public long BytesInUse { get; private set; }

    /// <summary>Largest value of <see cref="BytesInUse"/> since the start or <see cref="ResetPeak"/>.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>How often the system was asked for memory.</summary>
    public long SystemAllocations { get; private set; }

    /// <summary>Buffers lent out now.</summary>
    public int BuffersInUse { get; private set; }

    /// <summary>Called with each buffer that is lent: tests fill it with NaN, so that unwritten outputs show.</summary>
    internal Action<nint, long>? Lending { get; set; }

    /// <summary>Starts a new measurement of <see cref="PeakBytes"/>.</summary>
    public void ResetPeak()
    {
        lock (_lock) PeakBytes = BytesInUse;
    }

    /// <summary>Gives all idle memory back to the system.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            foreach (var (bytes, address) in _main.TakeAll()) FreeToSystem(address, bytes);
        }
    }

    /// <summary>A buffer of at least <paramref name="bytes"/> bytes; its contents are arbitrary.</summary>
    /// <exception cref="OutOfMemoryException">The device has no such memory left, even after a trim.</exception>
    public DeviceBuffer Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long size = RoundUp(bytes);
        (nint address, Shelf shelf) = Lend(size);
        return new DeviceBuffer(this, address, size, shelf);
    }

    /// <summary>A buffer that gets its memory, and its contents, when its address is asked for.</summary>
    public DeviceBuffer Promise(long bytes, PromisedContents contents) => new(this, RoundUp(bytes), contents);

    /// <summary>Memory for a buffer of a size that was rounded up.</summary>
    internal (nint Address, Shelf Shelf) Lend(long size)
    {
        lock (_lock)
        {
            Shelf shelf = _recording ?? _main;
            if (!shelf.TryTake(size, out nint address) && !_main.TryTake(size, out address))
                address = AllocateFromSystem(size);
            _lent[address] = size;
            BytesInUse += size;
            BuffersInUse++;
            PeakBytes = Math.Max(PeakBytes, BytesInUse);
            Lending?.Invoke(address, size);
            return (address, shelf);
        }
    }

    /// <summary>From now on memory is lent from, and belongs to, a shelf of its own.</summary>
    internal Shelf BeginShelf()
    {
        lock (_lock) return _recording = new Shelf();
    }

    /// <summary>Ends what <see cref="BeginShelf"/> began; the shelf keeps its memory.</summary>
    internal void EndShelf()
    {
        lock (_lock) _recording = null;
    }

    /// <summary>Gives a shelf's memory back to everybody.</summary>
    internal void Merge(Shelf shelf)
    {
        lock (_lock) shelf.MergeInto(_main);
    }

    internal void Return(nint address, long bytes, Shelf shelf)
    {
        lock (_lock)
        {
            if (_gone) return;
            _lent.Remove(address);
            BytesInUse -= bytes;
            BuffersInUse--;
            if (_closed)
                FreeToSystem(address, bytes);
            else
                shelf.Put(bytes, address);
        }
    }

    /// <summary>
    /// Frees idle memory now, and what is still lent when it comes back, or at once where <paramref name="lentToo"/>:
    /// buffers that are returned later, perhaps by the garbage collector, are then ignored.
    /// </summary>
    internal void Close(bool lentToo = false)
    {
        lock (_lock)
        {
            _closed = true;
            Trim();
            if (!lentToo) return;
            _gone = true;
            foreach (var (address, bytes) in _lent) FreeToSystem(address, bytes);
            _lent.Clear();
        }
    }

    internal static long RoundUp(long bytes)
    {
        if (bytes <= Smallest) return Smallest;
        long step = Math.Max(64, (long)BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return (bytes + step - 1) / step * step;
    }

    nint AllocateFromSystem(long size)
    {
        nint address;
        try
        {
            address = _allocate(size);
        }
        catch (OutOfMemoryException)
        {
            Trim();
            try
            {
                address = _allocate(size);
            }
            catch (OutOfMemoryException error)
            {
                throw new OutOfMemoryException(
                    $"no memory for a buffer of {MiB(size)}: {BuffersInUse} buffers in use hold {MiB(BytesInUse)}, none is idle; {error.Message}",
                    error);
            }
        }
        ReservedBytes += size;
        SystemAllocations++;
        return address;
    }

    static string MiB(long bytes) => $"{bytes / 1048576.0:F1} MiB";

    void FreeToSystem(nint address, long bytes)
    {
        _free(address);
        ReservedBytes -= bytes;
    }
}
