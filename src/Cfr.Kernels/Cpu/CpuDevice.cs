using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>The processor: SIMD kernels on a team of threads, memory aligned to 64 bytes.</summary>
public sealed class CpuDevice : Device
{
    const int Alignment = 64, MostThreads = 1024;
    const string ThreadsVariable = "CFR_THREADS";

    readonly Threads _threads;

    /// <summary>Opens the processor with the widest vectors it has.</summary>
    /// <param name="threads">Threads to use; by default CFR_THREADS, or the number of processors.</param>
    /// <exception cref="ArgumentException">CFR_THREADS is not a number of threads.</exception>
    public CpuDevice(int? threads = null)
        : this(threads ?? ThreadsWanted(Environment.GetEnvironmentVariable(ThreadsVariable)), WidestVectors()) { }

    internal CpuDevice(int threads, int vectorWidth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = new Threads(threads);
        VectorWidth = vectorWidth;
        Pool = new BufferPool(AllocateAligned, FreeAligned);
        (Matmul, Convolution, Pooling, Attention, Normalization, Softmax, ElementWise, Reduction, Layout, Resampling, Losses,
            Optimizers, Random) = vectorWidth switch
            {
                16 => Kernels<Lanes16>(),
                8 => Kernels<Lanes8>(),
                _ => Kernels<Lanes4>(),
            };
    }

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override string Description =>
        $"{RuntimeInformation.ProcessArchitecture}, vectors of {VectorWidth} floats, {_threads.Count} thread(s)";

    /// <summary>Floats in the vectors in use: 16 (AVX-512), 8 (AVX2 with FMA) or 4.</summary>
    public int VectorWidth { get; }

    /// <summary>Threads in use.</summary>
    public int ThreadCount => _threads.Count;

    /// <inheritdoc/>
    public override BufferPool Pool { get; }

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
    public override unsafe void Upload<T>(ReadOnlySpan<T> source, View destination) =>
        source.CopyTo(new Span<T>((void*)destination.Address, source.Length));

    /// <inheritdoc/>
    public override unsafe void Download<T>(View source, Span<T> destination) =>
        new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);

    internal override unsafe void FillBytes(nint address, long bytes, byte value) =>
        NativeMemory.Fill((void*)address, (nuint)bytes, value);

    /// <inheritdoc/>
    public override void Synchronize() { }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _threads.Dispose();
        Pool.Close();
    }

    (IMatmul, IConvolution, IPooling, IAttention, INormalization, ISoftmax, IElementWise, IReduction, ILayout, IResampling,
        ILosses, IOptimizers, IRandom) Kernels<V>() where V : struct, IVector<V> =>
        (new CpuMatmul<V>(_threads, Pool), new CpuConvolution<V>(_threads, Pool), new CpuPooling<V>(_threads, Pool),
            new CpuAttention<V>(_threads, Pool), new CpuNormalization<V>(_threads, Pool), new CpuSoftmax<V>(_threads),
            new CpuElementWise<V>(_threads), new CpuReduction<V>(_threads, Pool), new CpuLayout<V>(_threads),
            new CpuResampling<V>(_threads, Pool), new CpuLosses<V>(_threads, Pool), new CpuOptimizers<V>(_threads),
            new CpuRandom<V>(_threads, Pool));

    static int WidestVectors() =>
        Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated && Fma.IsSupported ? 8 : 4;

    internal static int ThreadsWanted(string? text)
    {
        if (string.IsNullOrEmpty(text)) return Environment.ProcessorCount;
        return int.TryParse(text, out int count) && count is >= 1 and <= MostThreads
            ? count
            : throw new ArgumentException(
                $"{ThreadsVariable} is '{text}'; expected a number of threads from 1 to {MostThreads}");
    }

    static unsafe nint AllocateAligned(long bytes) => (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);

    static unsafe void FreeAligned(nint address) => NativeMemory.AlignedFree((void*)address);
}
