using Cfr.Kernels.Cuda.Driver;
using Cfr.Kernels.Profiling;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A recorded sequence of launches that starts with one call. It owns the memory that was rented while it was recorded;
/// what it reads besides must stay where it was.
/// </summary>
public sealed class CudaGraph : IDisposable
{
    readonly CudaDevice _device;
    readonly Shelf _shelf;
    readonly RecordedWork? _recorded;
    nint _executable;

    internal CudaGraph(CudaDevice device, nint executable, Shelf shelf, RecordedWork? recorded) =>
        (_device, _executable, _shelf, _recorded) = (device, executable, shelf, recorded);

    /// <summary>Starts the launches again, in order; returns before they have run.</summary>
    public void Replay()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        _device.MakeCurrent();
        if (_device.Observer is { } observer) observer.Replay(_recorded, Launch);
        else Launch();
    }

    void Launch() => CudaException.Check(cuGraphLaunch(_executable, _device.Stream), "a graph of launches");

    /// <summary>Frees the recording; its memory goes back to the pool.</summary>
    public void Dispose()
    {
        if (_executable == 0) return;
        _device.MakeCurrent();
        cuGraphExecDestroy(_executable);
        _executable = 0;
        _device.Pool.Merge(_shelf);
    }
}
