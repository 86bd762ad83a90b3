namespace Cfr.Kernels.Cpu;

/// <summary>
/// Scratch memory for pieces of work, a part for each worker: what a kernel needs does not depend on which pieces
/// happen to run at once. Parts begin at multiples of 64 bytes.
/// </summary>
readonly struct WorkerScratch : IDisposable
{
    const long Alignment = 64;

    readonly DeviceBuffer _buffer;
    readonly long _bytesOfWorker;

    public WorkerScratch(Threads threads, BufferPool pool, long bytesOfWorker)
    {
        _bytesOfWorker = (bytesOfWorker + Alignment - 1) / Alignment * Alignment;
        _buffer = pool.Rent(threads.Count * _bytesOfWorker);
    }

    /// <summary>Address of a worker's part.</summary>
    public nint this[int worker] => _buffer.Address + (nint)(worker * _bytesOfWorker);

    public void Dispose() => _buffer.Release();
}
