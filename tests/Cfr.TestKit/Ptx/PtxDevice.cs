using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Profiling;

namespace Cfr.TestKit.Ptx;

/// <summary>
/// The CUDA kernels as a GPU gets them: their PTX, instruction by instruction (<see cref="PtxBlock"/>). The emulator runs
/// the C# of a kernel; what ILGPU and the passes behind it make of that is seen here, without a GPU. Every address is
/// checked: memory that was not lent, or a block's shared memory at its end, is an error.
/// </summary>
public sealed unsafe class PtxDevice : GpuDevice
{
    const int Alignment = 256, FaultBytes = 3 * sizeof(int);

    readonly PtxCompiler _compiler = new();
    readonly Dictionary<Kernel, PtxKernel> _kernels = [];
    readonly SortedList<ulong, long> _memory = [];
    readonly int* _fault;

    /// <summary>A device that computes as a GPU of capability 9.0.</summary>
    public PtxDevice(Precision precision = Precision.Float32) : base(precision)
    {
        Pool = new BufferPool(Lend, Return);
        _fault = (int*)NativeMemory.AllocZeroed(FaultBytes);
        _memory.Add((ulong)_fault, FaultBytes);
    }

    /// <inheritdoc/>
    public override string Name => "ptx";

    /// <inheritdoc/>
    public override string Description => $"PTX of the CUDA kernels, interpreted, {Precision.Name()}";

    /// <inheritdoc/>
    public override BufferPool Pool { get; }

    /// <summary>A graph would show no more than its launches do.</summary>
    public override bool CanCapture => false;

    internal override int FullGrid => 3;

    internal override int SharedBytesPerBlock => 227 << 10;

    internal override View Fault => new((nint)_fault, 3, DType.Int32);

    private protected override int* FaultOnHost => _fault;

    internal override ILaunchClock LaunchClock(Profiler profiler) => new HostLaunchClock(profiler);

    internal override void Launch<TArguments>(
        Kernel<TArguments> kernel, in TArguments arguments, int blocksX, int blocksY = 1, int blocksZ = 1)
    {
        if (!_kernels.TryGetValue(kernel, out PtxKernel? code))
            _kernels.Add(kernel, code = PtxKernel.Parse(_compiler.Compile(kernel, new ComputeCapability(9, 0))));
        int sharedBytes = code.StaticSharedBytes + kernel.SharedBytes;
        void* shared = NativeMemory.AlignedAlloc((nuint)Math.Max(sharedBytes, Alignment), Alignment);
        TArguments copy = arguments;
        Observer?.Before(kernel.Name);
        try
        {
            for (int z = 0; z < blocksZ; z++)
                for (int y = 0; y < blocksY; y++)
                    for (int x = 0; x < blocksX; x++)
                        new PtxBlock(code, BlockSize(kernel), (x, y, z), (blocksX, blocksY, blocksZ))
                        {
                            Parameters = (byte*)&copy,
                            ParameterBytes = Unsafe.SizeOf<TArguments>(),
                            Shared = (byte*)shared,
                            SharedBytes = sharedBytes,
                            IsLent = IsLent,
                        }.Run();
        }
        finally
        {
            NativeMemory.AlignedFree(shared);
        }
        Observer?.After();
    }

    private protected override void BeginCapture() => throw new NotSupportedException();

    private protected override LaunchGraph EndCapture(Shelf shelf) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Upload<T>(ReadOnlySpan<T> source, View destination) =>
        source.CopyTo(new Span<T>((void*)destination.Address, source.Length));

    /// <inheritdoc/>
    public override void Download<T>(View source, Span<T> destination) =>
        new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);

    /// <inheritdoc/>
    public override void Synchronize() => ThrowOnFault();

    internal override void FillBytes(nint address, long bytes, byte value) =>
        NativeMemory.Fill((void*)address, (nuint)bytes, value);

    /// <inheritdoc/>
    public override void Dispose()
    {
        Pool.Close();
        _compiler.Dispose();
        NativeMemory.Free(_fault);
    }

    nint Lend(long bytes)
    {
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        lock (_memory) _memory.Add((ulong)memory, bytes);
        return (nint)memory;
    }

    void Return(nint address)
    {
        lock (_memory) _memory.Remove((ulong)address);
        NativeMemory.AlignedFree((void*)address);
    }

    /// <summary>Whether so many bytes lie inside of one piece of memory.</summary>
    bool IsLent(ulong address, int bytes)
    {
        IList<ulong> begins = _memory.Keys;
        int low = 0, high = begins.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (begins[middle] <= address) low = middle + 1;
            else high = middle;
        }
        return low > 0 && address + (ulong)bytes <= begins[low - 1] + (ulong)_memory.Values[low - 1];
    }
}
