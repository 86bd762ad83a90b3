using Cfr.Kernels.Cuda.Driver;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda;

/// <summary>Time between two points of a device's stream, measured by the GPU.</summary>
sealed class CudaTimer : IDisposable
{
    readonly CudaDevice _device;
    readonly nint _start, _end;

    public CudaTimer(CudaDevice device)
    {
        _device = device;
        device.MakeCurrent();
        CudaException.Check(cuEventCreate(out _start, 0), "an event");
        CudaException.Check(cuEventCreate(out _end, 0), "an event");
    }

    /// <summary>Milliseconds that the GPU takes for what <paramref name="work"/> launches.</summary>
    public double Measure(Action work)
    {
        _device.MakeCurrent();
        CudaException.Check(cuEventRecord(_start, _device.Stream), "an event");
        work();
        CudaException.Check(cuEventRecord(_end, _device.Stream), "an event");
        _device.Synchronize();
        CudaException.Check(cuEventElapsedTime(out float milliseconds, _start, _end), "an event");
        return milliseconds;
    }

    public void Dispose()
    {
        cuEventDestroy_v2(_start);
        cuEventDestroy_v2(_end);
    }
}
