using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.Kernels.Profiling;

/// <summary>
/// A device that tells a <see cref="Profiler"/> of every call, copy and wait, and passes it on to another device, of whose
/// GPU kernels the profiler hears too. Results are the same bits.
/// </summary>
public sealed class ProfiledDevice : Device
{
    const string Waiting = "wait";

    readonly Device _device;
    readonly Profiler _profiler;

    /// <summary>Watches a device from now on; it is disposed with this one.</summary>
    /// <param name="device">What computes.</param>
    /// <param name="profiler">What is told, perhaps of several devices, one after the other.</param>
    public ProfiledDevice(Device device, Profiler profiler)
    {
        (_device, _profiler) = (device, profiler);
        if (device is GpuDevice gpu) gpu.Observer = new LaunchProfiler(profiler, gpu.LaunchClock(profiler));
        Matmul = new ProfiledMatmul(device.Matmul, profiler);
        Convolution = new ProfiledConvolution(device.Convolution, profiler);
        Pooling = new ProfiledPooling(device.Pooling, profiler);
        Attention = new ProfiledAttention(device.Attention, profiler);
        Normalization = new ProfiledNormalization(device.Normalization, profiler);
        if (device.FusedNormalization is { } fused)
            FusedNormalization = new ProfiledFusedNormalization(fused, profiler);
        Softmax = new ProfiledSoftmax(device.Softmax, profiler);
        ElementWise = new ProfiledElementWise(device.ElementWise, profiler);
        Reduction = new ProfiledReduction(device.Reduction, profiler);
        Layout = new ProfiledLayout(device.Layout, profiler);
        Resampling = new ProfiledResampling(device.Resampling, profiler);
        Losses = new ProfiledLosses(device.Losses, profiler);
        Optimizers = new ProfiledOptimizers(device.Optimizers, profiler);
        Random = new ProfiledRandom(device.Random, profiler);
    }

    /// <inheritdoc/>
    public override Device Underlying => _device;

    /// <inheritdoc/>
    public override string Name => _device.Name;

    /// <inheritdoc/>
    public override string Description => _device.Description;

    /// <inheritdoc/>
    public override string Arithmetic => _device.Arithmetic;

    /// <inheritdoc/>
    public override BufferPool Pool => _device.Pool;

    /// <inheritdoc/>
    public override long? FreeBytes => _device.FreeBytes;

    /// <inheritdoc/>
    public override bool CanCapture => _device.CanCapture;

    /// <inheritdoc/>
    public override IMatmul Matmul { get; }

    /// <inheritdoc/>
    public override IConvolution Convolution { get; }

    /// <inheritdoc/>
    public override IPooling Pooling { get; }

    /// <inheritdoc/>
    public override IAttention Attention { get; }

    /// <inheritdoc/>
    public override INormalization Normalization { get; }

    /// <inheritdoc/>
    public override IFusedNormalization? FusedNormalization { get; }

    /// <inheritdoc/>
    public override ISoftmax Softmax { get; }

    /// <inheritdoc/>
    public override IElementWise ElementWise { get; }

    /// <inheritdoc/>
    public override IReduction Reduction { get; }

    /// <inheritdoc/>
    public override ILayout Layout { get; }

    /// <inheritdoc/>
    public override IResampling Resampling { get; }

    /// <inheritdoc/>
    public override ILosses Losses { get; }

    /// <inheritdoc/>
    public override IOptimizers Optimizers { get; }

    /// <inheritdoc/>
    public override IRandom Random { get; }

    /// <inheritdoc/>
    public override unsafe void Upload<T>(ReadOnlySpan<T> source, View destination)
    {
        using (_profiler.OnHost("upload", (double)source.Length * sizeof(T))) _device.Upload(source, destination);
    }

    /// <inheritdoc/>
    public override unsafe void Download<T>(View source, Span<T> destination)
    {
        using (_profiler.OnHost("download", (double)destination.Length * sizeof(T))) _device.Download(source, destination);
        Collect();
    }

    /// <inheritdoc/>
    public override Arrival Fetch(View source)
    {
        using (_profiler.OnHost("fetch", (double)source.Count * source.Type.Bytes()))
            return new ProfiledArrival(this, _device.Fetch(source));
    }

    /// <inheritdoc/>
    public override LaunchGraph Capture(Action work)
    {
        if (_device is not GpuDevice { Observer: { } launches }) return _device.Capture(work);
        launches.BeginRecording();
        LaunchGraph? graph = null;
        RecordedWork? recorded = null;
        try
        {
            graph = _device.Capture(work);
        }
        finally
        {
            recorded = launches.EndRecording();
        }
        return new ProfiledGraph(graph, recorded, launches);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        using (_profiler.OnHost(Waiting)) _device.Synchronize();
        Collect();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_device is GpuDevice { Observer: { } launches } gpu)
        {
            try
            {
                gpu.Synchronize();
                launches.Collect();
            }
            catch (Exception error) when (error is CudaException or ArgumentOutOfRangeException)
            {
                // The device is lost, or a kernel met a wrong index: whoever waited for it was told.
            }
            gpu.Observer = null;
            launches.Dispose();
        }
        _device.Dispose();
    }

    internal override void FillBytes(nint address, long bytes, byte value)
    {
        using (_profiler.Call("fill bytes", $"{bytes}", 0, bytes)) _device.FillBytes(address, bytes, value);
    }

    void Collect()
    {
        if (_device is GpuDevice { Observer: { } launches }) launches.Collect();
    }

    /// <summary>Numbers on their way; the host may have to wait for them.</summary>
    sealed class ProfiledArrival(ProfiledDevice device, Arrival arrival) : Arrival
    {
        public override bool IsThere => arrival.IsThere;

        public override float[] Wait()
        {
            float[] values;
            using (device._profiler.OnHost(Waiting)) values = arrival.Wait();
            device.Collect();
            return values;
        }
    }
}
