using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda;

/// <summary>Launches as the driver has recorded them.</summary>
sealed class CudaGraph : LaunchGraph
{
    readonly CudaDevice _device;
    readonly string _words;
    readonly Shelf _shelf;
    nint _executable;

    /// <param name="device">Where they run.</param>
    /// <param name="executable">The driver's graph.</param>
    /// <param name="words">What a message says of a replay.</param>
    /// <param name="shelf">Its memory.</param>
    internal CudaGraph(CudaDevice device, nint executable, string words, Shelf shelf) =>
        (_device, _executable, _words, _shelf) = (device, executable, words, shelf);

    public override void Replay()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        _device.Launch(_executable, _words);
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
