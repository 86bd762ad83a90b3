using System.Runtime.InteropServices;
using Cfr.Kernels.Profiling;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The CUDA kernels on the processor, thread by thread, in ILGPU's emulator: for machines without a GPU, to check
/// results on tiny shapes. A launch takes milliseconds and a product a microsecond.
/// </summary>
public sealed unsafe class EmulatedDevice : GpuDevice
{
    const int Alignment = 256, MostWarps = 8, Warps = 2;

    readonly Stack<CPUAccelerator> _accelerators = [];
    readonly Dictionary<Kernel, Delegate> _launchers = [];
    readonly int* _fault;
    List<Action>? _recorded;

    /// <summary>Starts the emulator.</summary>
    public EmulatedDevice(Precision precision = Precision.Float32) : base(precision)
    {
        _accelerators.Push(Start());
        Pool = new BufferPool(
            bytes => (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment),
            address => NativeMemory.AlignedFree((void*)address));
        _fault = (int*)NativeMemory.AllocZeroed(3 * sizeof(int));
    }

    /// <inheritdoc/>
    public override string Name => "emulated";

    /// <inheritdoc/>
    public override string Description => $"CUDA kernels emulated on the processor, {Precision.Name()}";

    /// <inheritdoc/>
    public override BufferPool Pool { get; }

    internal override int FullGrid => 2;

    internal override int ThreadsPerBlock => MostWarps * 32;

    /// <summary>The emulator has no bound of its own; the choice of tiles for a GPU's is checked by setting it.</summary>
    internal override int SharedBytesPerBlock => SharedBytesOfGpu;

    internal int SharedBytesOfGpu { get; init; } = int.MaxValue;

    internal override View Fault => new((nint)_fault, 3, DType.Int32);

    private protected override int* FaultOnHost => _fault;

    internal override ILaunchClock LaunchClock(Profiler profiler) => new HostLaunchClock(profiler);

    internal override int BlockSize(Kernel kernel) => kernel.AnyBlock ? Warps * 32 : kernel.Threads;

    internal override void Launch<TArguments>(
        Kernel<TArguments> kernel, in TArguments arguments, int blocksX, int blocksY = 1, int blocksZ = 1)
    {
        if (!_launchers.TryGetValue(kernel, out Delegate? launcher))
            _launchers[kernel] = launcher = Load(kernel);
        int sums = BlockSize(kernel) * kernel.WarpgroupSums * sizeof(float);
        int bytes = kernel.SharedBytes + sums + (kernel.TensorCores ? SharedBytes.ScratchBytes : 0);
        var shared = bytes == 0 ? default : SharedMemoryConfig.RequestDynamic<byte>(bytes);
        var configuration = new KernelConfig(
            new Index3D(blocksX, blocksY, blocksZ), new Index3D(BlockSize(kernel), 1, 1), shared);
        var start = (Action<KernelConfig, TArguments>)launcher;
        Observer?.Before(kernel.Name);
        if (IsCapturing) Record(start, configuration, arguments);
        else start(configuration, arguments);
        Observer?.After();
    }

    Action<KernelConfig, TArguments> Load<TArguments>(Kernel<TArguments> kernel) where TArguments : unmanaged
    {
        try
        {
            return _accelerators.Peek().LoadStreamKernel(kernel.Body);
        }
        catch (InternalCompilerException) when (_launchers.Count > 0)
        {
            // ILGPU may take a struct for another kernel's of the same fields; without others before it, it cannot. What
            // was loaded before stays where it is: a launch ends before the next begins, and memory is the processor's.
            _accelerators.Push(Start());
            return _accelerators.Peek().LoadStreamKernel(kernel.Body);
        }
    }

    static CPUAccelerator Start()
    {
        var processor = new CPUDevice(numThreadsPerWarp: 32, numWarpsPerMultiprocessor: MostWarps, numMultiprocessors: 1);
        var context = Context.Create(builder => builder.CPU(processor).Optimize(OptimizationLevel.O0));
        return context.GetCPUDevice(0).CreateCPUAccelerator(context);
    }

    void Wait()
    {
        foreach (CPUAccelerator accelerator in _accelerators) accelerator.Synchronize();
    }

    private protected override void BeginCapture() => _recorded = [];

    private protected override LaunchGraph EndCapture(Shelf shelf) => new EmulatedGraph(this, _recorded!, shelf);

    /// <summary>In a method of its own: a launch that runs at once makes no closure.</summary>
    void Record<TArguments>(Action<KernelConfig, TArguments> start, KernelConfig configuration, TArguments arguments) =>
        _recorded!.Add(() => start(configuration, arguments));

    /// <inheritdoc/>
    public override void Upload<T>(ReadOnlySpan<T> source, View destination)
    {
        RefuseInCapture("a copy from the host");
        Wait();
        source.CopyTo(new Span<T>((void*)destination.Address, source.Length));
    }

    /// <inheritdoc/>
    public override void Download<T>(View source, Span<T> destination)
    {
        RefuseInCapture("a copy to the host");
        Synchronize();
        new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        RefuseInCapture("a wait");
        Wait();
        ThrowOnFault();
    }

    internal override void FillBytes(nint address, long bytes, byte value)
    {
        if (IsCapturing) _recorded!.Add(() => FillBytes(address, bytes, value));
        else
        {
            Wait();
            NativeMemory.Fill((void*)address, (nuint)bytes, value);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Pool.Close();
        while (_accelerators.TryPop(out CPUAccelerator? accelerator))
        {
            Context context = accelerator.Context;
            accelerator.Dispose();
            context.Dispose();
        }
        NativeMemory.Free(_fault);
    }
}
