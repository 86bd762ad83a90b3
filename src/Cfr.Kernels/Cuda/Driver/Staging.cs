using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>
/// A ring of chunks of pinned memory through which copies between host and GPU go: while some are on their way, the next
/// is filled or emptied.
/// </summary>
sealed unsafe class Staging : IDisposable
{
    const int Chunks = 8, ChunkBytes = 1 << 20;

    readonly nint _stream;
    readonly nint[] _memory = new nint[Chunks], _landed = new nint[Chunks];
    int _next;

    public Staging(nint stream)
    {
        _stream = stream;
        for (int i = 0; i < Chunks; i++)
        {
            CudaException.Check(cuMemHostAlloc(out _memory[i], ChunkBytes, 0), $"{ChunkBytes} bytes of pinned memory");
            CudaException.Check(cuEventCreate(out _landed[i], 2), "an event");
        }
    }

    /// <summary>Returns when the source may be reused; the copy itself is in the order of the stream.</summary>
    public void Upload(void* source, nint target, long bytes)
    {
        for (long at = 0; at < bytes; at += ChunkBytes)
        {
            int i = _next;
            long count = Math.Min(ChunkBytes, bytes - at);
            _next = (_next + 1) % Chunks;
            CudaException.Check(cuEventSynchronize(_landed[i]), "a copy to the GPU");
            Buffer.MemoryCopy((byte*)source + at, (void*)_memory[i], ChunkBytes, count);
            CudaException.Check(
                cuMemcpyHtoDAsync_v2(target + (nint)at, _memory[i], (nuint)count, _stream), "a copy to the GPU");
            CudaException.Check(cuEventRecord(_landed[i], _stream), "a copy to the GPU");
        }
    }

    /// <summary>Returns when the data is there.</summary>
    public void Download(nint source, void* target, long bytes)
    {
        long chunks = (bytes + ChunkBytes - 1) / ChunkBytes;
        for (long chunk = 0; chunk < chunks + Chunks - 1; chunk++)
        {
            if (chunk < chunks) Start(chunk);
            if (chunk >= Chunks - 1) Finish(chunk - (Chunks - 1));
        }

        long Count(long chunk) => Math.Min(ChunkBytes, bytes - chunk * ChunkBytes);

        void Start(long chunk)
        {
            int i = (int)(chunk % Chunks);
            CudaException.Check(
                cuMemcpyDtoHAsync_v2(_memory[i], source + (nint)(chunk * ChunkBytes), (nuint)Count(chunk), _stream),
                "a copy from the GPU");
            CudaException.Check(cuEventRecord(_landed[i], _stream), "a copy from the GPU");
        }

        void Finish(long chunk)
        {
            int i = (int)(chunk % Chunks);
            CudaException.Check(cuEventSynchronize(_landed[i]), "a copy from the GPU");
            Buffer.MemoryCopy((void*)_memory[i], (byte*)target + chunk * ChunkBytes, Count(chunk), Count(chunk));
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < Chunks; i++)
        {
            cuEventDestroy_v2(_landed[i]);
            cuMemFreeHost(_memory[i]);
        }
    }
}
