using Cfr.Kernels.Profiling;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>
/// Times launches on a GPU with an event before and one behind each. Nothing waits: events are read when the stream has
/// passed them, and used again. An event has steps of half a microsecond and costs about two, so that a chain of small
/// kernels takes longer than it would unwatched.
/// </summary>
sealed class CudaLaunchClock : ILaunchClock
{
    /// <summary>So many launches on their way are looked at even if nobody waits for the device.</summary>
    const int MostPending = 1024;

    readonly CudaDevice _device;
    readonly Profiler _profiler;
    readonly Queue<(FamilyCall Call, string Kernel, nint Start, nint End)> _pending = new();
    readonly Stack<nint> _idle = new();
    nint _start, _last;
    double _lastSeconds;
    int _lookAt = MostPending;

    /// <summary>Waits for the device once, so that the clocks of both sides have a moment in common.</summary>
    public CudaLaunchClock(CudaDevice device, Profiler profiler)
    {
        (_device, _profiler) = (device, profiler);
        device.Synchronize();
        _last = Record();
        device.Synchronize();
        _lastSeconds = profiler.Now;
    }

    public void Start() => _start = Record();

    public void Stop(FamilyCall call, string kernel)
    {
        _pending.Enqueue((call, kernel, _start, Record()));
        if (_pending.Count < _lookAt) return;
        Collect();
        // Where the host is far ahead, it does not look again at each launch.
        _lookAt = _pending.Count + MostPending;
    }

    /// <summary>
    /// Times are sums of differences between neighbouring events: a difference is a float, which over minutes would
    /// have steps of many microseconds.
    /// </summary>
    public void Collect()
    {
        _device.MakeCurrent();
        while (_pending.TryPeek(out var launch) && cuEventQuery(launch.End) == CudaResult.Success)
        {
            _pending.Dequeue();
            double start = _lastSeconds + Seconds(_last, launch.Start), seconds = Seconds(launch.Start, launch.End);
            _profiler.Ran(launch.Call, launch.Kernel, start, seconds);
            _idle.Push(launch.Start);
            _idle.Push(_last);
            (_last, _lastSeconds) = (launch.End, start + seconds);
        }
    }

    public void Dispose()
    {
        _device.MakeCurrent();
        foreach (var (_, _, start, end) in _pending)
        {
            cuEventDestroy_v2(start);
            cuEventDestroy_v2(end);
        }
        foreach (nint idle in _idle) cuEventDestroy_v2(idle);
        cuEventDestroy_v2(_last);
    }

    nint Record()
    {
        _device.MakeCurrent();
        if (!_idle.TryPop(out nint timestamp)) CudaException.Check(cuEventCreate(out timestamp, 0), "an event");
        CudaException.Check(cuEventRecord(timestamp, _device.Stream), "an event");
        return timestamp;
    }

    static double Seconds(nint from, nint to)
    {
        CudaException.Check(cuEventElapsedTime(out float milliseconds, from, to), "an event");
        return milliseconds / 1e3;
    }
}
