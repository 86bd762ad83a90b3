using Cfr.Kernels.Cuda.Driver;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda;

/// <summary>Launches as the driver has recorded them.</summary>
sealed class CudaGraph : LaunchGraph
{
    readonly CudaDevice _device;
    readonly Shelf _shelf;
    nint _executable;

    internal CudaGraph(CudaDevice device, nint executable, Shelf shelf) =>
        (_device, _executable, _shelf) = (device, executable, shelf);

    public override void Replay()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        _device.MakeCurrent();
        CudaException.Check(cuGraphLaunch(_executable, _device.Stream), "a graph of launches");
    }

    public override void Dispose()
    {
        if (_executable == 0) return;
        _device.MakeCurrent();
        cuGraphExecDestroy(_executable);
        _executable = 0;
        _device.Pool.Merge(_shelf);
    }
}
