using System.Runtime.InteropServices;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Kernels.Profiling;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// An NVIDIA GPU through the CUDA driver: one context, one stream, memory from a caching pool. Launches return at once;
/// a fault inside a kernel shows when the device is next waited for.
/// </summary>
public sealed unsafe class CudaDevice : GpuDevice
{
    const int NonBlocking = 1, BlocksPerMultiprocessor = 8, RecentKernels = 8;

    [ThreadStatic]
    static nint _currentContext;

    readonly CudaInfo _info;
    readonly CudaGpu _gpu;
    readonly int _device;
    readonly nint _context, _stream;
    readonly Staging _staging;
    readonly Mailbox _mailbox;
    readonly KernelLoader _loader;
    readonly nint _faultOnHost;
    readonly View _fault;
    readonly string[] _recent = new string[RecentKernels];
    readonly List<string> _captured = [];
    bool? _hasWarpgroups;
    long _launches;

    /// <summary>Opens a GPU.</summary>
    /// <exception cref="DeviceException">There is no such GPU, or it cannot be used; the message says why.</exception>
    public CudaDevice(int ordinal = 0, Precision precision = Precision.Float32) : base(precision)
    {
        _info = CudaInfo.Read();
        if (_info.Gpus.Count == 0) throw new DeviceException(_info.Problem!);
        if (ordinal < 0 || ordinal >= _info.Gpus.Count)
            throw new DeviceException($"there is no cuda:{ordinal}; this machine has {_info.Gpus.Count} GPU(s), from cuda:0");
        _gpu = _info.Gpus[ordinal];
        if (_gpu.Problem is { } problem) throw new DeviceException($"cuda:{ordinal} ({_gpu.Name}) cannot be used: {problem}");

        CudaException.Check(cuDeviceGet(out _device, ordinal), Name);
        CudaException.Check(cuDevicePrimaryCtxRetain(out _context, _device), $"the context of {Name}");
        MakeCurrent();
        CudaException.Check(cuStreamCreate(out _stream, NonBlocking), $"a stream on {Name}");
        _staging = new Staging(_stream);
        _mailbox = new Mailbox(this);
        _loader = new KernelLoader(_gpu, _info.DriverVersion!, ModuleCache.Open());
        CudaException.Check(cuMemHostAlloc(out _faultOnHost, 64, 2), "pinned memory");
        NativeMemory.Clear((void*)_faultOnHost, 64);
        CudaException.Check(cuMemHostGetDevicePointer_v2(out nint fault, _faultOnHost, 0), "pinned memory");
        _fault = new View(fault, 3, DType.Int32);
        Pool = new BufferPool(Allocate, Free);
    }

    /// <summary>On Hopper, if the driver's assembler takes them, which is asked when it first matters.</summary>
    internal override bool HasWarpgroups => _hasWarpgroups ??= _loader.TakesWarpgroups();

    /// <inheritdoc/>
    public override string Name => $"cuda:{_gpu?.Ordinal ?? 0}";

    /// <inheritdoc/>
    public override string Description =>
        $"{_gpu.Name}, compute capability {_gpu.Capability}, {_gpu.MemoryBytes / (double)(1 << 30):F1} GiB, {Precision.Name()}";

    /// <inheritdoc/>
    public override BufferPool Pool { get; }

    /// <summary>What the driver has free, and what lies idle in the pool.</summary>
    public override long? FreeBytes
    {
        get
        {
            MakeCurrent();
            CudaException.Check(cuMemGetInfo_v2(out nuint free, out _), $"the free memory of {Name}");
            return (long)free + Pool.ReservedBytes - Pool.BytesInUse;
        }
    }

    /// <summary>What the GPU is.</summary>
    public CudaGpu Gpu => _gpu;

    /// <summary>Version of CUDA that the driver knows.</summary>
    public Version DriverVersion => _info.DriverVersion!;

    internal nint Stream => _stream;

    internal override int FullGrid => _gpu.Multiprocessors * BlocksPerMultiprocessor;

    internal override int SharedBytesPerBlock => _gpu.SharedBytesPerBlock;

    internal override ILaunchClock LaunchClock(Profiler profiler) => new CudaLaunchClock(this, profiler);

    internal override View Fault => _fault;

    private protected override int* FaultOnHost => (int*)_faultOnHost;

    internal override void Launch<TArguments>(
        Kernel<TArguments> kernel, in TArguments arguments, int blocksX, int blocksY = 1, int blocksZ = 1)
    {
        MakeCurrent();
        nint function = _loader.Function(kernel);
        if (IsCapturing) _captured.Add(kernel.Name);
        else Remember(kernel.Name);
        fixed (TArguments* argument = &arguments)
        {
            void* parameter = argument;
            Observer?.Before(kernel.Name);
            CudaResult result = cuLaunchKernel(
                function, (uint)blocksX, (uint)blocksY, (uint)blocksZ, (uint)kernel.Threads, 1, 1,
                (uint)kernel.SharedBytes, _stream, &parameter, null);
            if (result != CudaResult.Success)
                throw Refused(result, $"kernel {kernel.Name} on a grid of {blocksX}x{blocksY}x{blocksZ} blocks");
        }
        Observer?.After();
    }

    private protected override void BeginCapture()
    {
        const int RelaxedMode = 2;
        _captured.Clear();
        MakeCurrent();
        CudaException.Check(cuStreamBeginCapture_v2(_stream, RelaxedMode), "the beginning of a capture");
    }

    private protected override LaunchGraph? EndCapture(Shelf shelf)
    {
        if (cuStreamEndCapture(_stream, out nint graph) != CudaResult.Success) return null;
        try
        {
            CudaException.Check(cuGraphInstantiateWithFlags(out nint executable, graph, 0), "a graph of launches");
            IEnumerable<string> last = Enumerable.Reverse(_captured).Take(RecentKernels);
            return new CudaGraph(
                this, executable, $"(a replayed graph of {_captured.Count} launches, the last of them {string.Join(", ", last)})", shelf);
        }
        finally
        {
            cuGraphDestroy(graph);
        }
    }

    /// <summary>Starts a graph; its words are what messages say of it.</summary>
    internal void Launch(nint graph, string words)
    {
        MakeCurrent();
        Remember(words);
        CudaResult result = cuGraphLaunch(graph, _stream);
        if (result != CudaResult.Success) throw Refused(result, words);
    }

    void Remember(string launched) => _recent[_launches++ % RecentKernels] = launched;

    /// <inheritdoc/>
    public override void Upload<T>(ReadOnlySpan<T> source, View destination)
    {
        RefuseInCapture("a copy from the host");
        MakeCurrent();
        try
        {
            fixed (T* data = source) _staging.Upload(data, destination.Address, (long)source.Length * sizeof(T));
        }
        catch (CudaException error)
        {
            throw Failed(error.Result);
        }
    }

    /// <inheritdoc/>
    public override void Download<T>(View source, Span<T> destination)
    {
        RefuseInCapture("a copy to the host");
        MakeCurrent();
        try
        {
            fixed (T* data = destination) _staging.Download(source.Address, data, (long)destination.Length * sizeof(T));
        }
        catch (CudaException error)
        {
            throw Failed(error.Result);
        }
        ThrowOnFault();
    }

    /// <inheritdoc/>
    public override Arrival Fetch(View source)
    {
        RefuseInCapture("a copy to the host");
        MakeCurrent();
        try
        {
            return _mailbox.Send(source);
        }
        catch (CudaException error)
        {
            throw Failed(error.Result);
        }
    }

    /// <summary>After a wait: what the driver or a kernel has found to be wrong.</summary>
    internal void Waited(CudaResult result)
    {
        if (result != CudaResult.Success) throw Failed(result);
        ThrowOnFault();
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        RefuseInCapture("a wait");
        MakeCurrent();
        Waited(cuStreamSynchronize(_stream));
    }

    internal override void FillBytes(nint address, long bytes, byte value)
    {
        MakeCurrent();
        Observer?.Before("fill");
        CudaResult result = cuMemsetD8Async(address, value, (nuint)bytes, _stream);
        if (result != CudaResult.Success) throw Refused(result, $"filling {bytes} bytes");
        Observer?.After();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        MakeCurrent();
        cuStreamSynchronize(_stream);
        Pool.Close(lentToo: true);
        _loader.Dispose();
        _staging.Dispose();
        _mailbox.Dispose();
        cuMemFreeHost(_faultOnHost);
        cuStreamDestroy_v2(_stream);
        _currentContext = 0;
        cuDevicePrimaryCtxRelease_v2(_device);
    }

    internal void MakeCurrent()
    {
        if (_currentContext == _context) return;
        CudaException.Check(cuCtxSetCurrent(_context), $"the context of {Name}");
        _currentContext = _context;
    }

    nint Allocate(long bytes)
    {
        MakeCurrent();
        CudaResult result = cuMemAlloc_v2(out nint address, (nuint)bytes);
        if (result == CudaResult.Success) return address;
        if (result != CudaResult.OutOfMemory) throw Refused(result, $"{bytes} bytes on {Name}");
        cuMemGetInfo_v2(out nuint free, out nuint total);
        throw new OutOfMemoryException($"{Name} has {free / 1048576.0:F0} of {total / 1048576.0:F0} MiB free");
    }

    void Free(nint address)
    {
        MakeCurrent();
        cuMemFree_v2(address);
    }

    /// <summary>Any call may return the fault of a kernel launched before it; what is its own is told by the number.</summary>
    CudaException Refused(CudaResult result, string what) =>
        result is CudaResult.InvalidValue or CudaResult.OutOfMemory or CudaResult.LaunchOutOfResources
            ? new CudaException(what, result)
            : Failed(result);

    /// <summary>A fault shows late: all that is known is which kernels were launched last.</summary>
    CudaException Failed(CudaResult result)
    {
        IEnumerable<string> names = Enumerable.Range(0, (int)Math.Min(_launches, RecentKernels))
            .Select(back => _recent[(_launches - 1 - back) % RecentKernels]);
        return new CudaException(
            $"a kernel on {Name} failed; launched last, newest first: {string.Join(", ", names)} (CUDA_LAUNCH_BLOCKING=1 tells which)", result);
    }
}
