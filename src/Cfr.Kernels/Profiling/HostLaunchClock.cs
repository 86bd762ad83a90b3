namespace Cfr.Kernels.Profiling;

/// <summary>Times launches that have run when they return, as the emulator's.</summary>
sealed class HostLaunchClock(Profiler profiler) : ILaunchClock
{
    double _start;

    public void Start() => _start = profiler.Now;

    public void Stop(FamilyCall call, string kernel) => profiler.Ran(call, kernel, _start, profiler.Now - _start);

    public void Collect() { }

    public void Dispose() { }
}
