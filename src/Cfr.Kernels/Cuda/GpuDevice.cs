using Cfr.Kernels.Profiling;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A device that runs the CUDA kernels, on a GPU or in the emulator. Launches go to one stream, in order; memory that
/// comes back to the pool may therefore be lent again at once.
/// </summary>
public abstract class GpuDevice : Device
{
    private protected GpuDevice(Precision precision)
    {
        Precision = precision;
        var elementWise = new GpuElementWise(this);
        ElementWise = elementWise;
        Random = new GpuRandom(this, elementWise);
        Convolution = new GpuConvolution(this);
        Pooling = new GpuPooling(this);
        Attention = new GpuAttention(this);
        Resampling = new GpuResampling(this);
        Layout = new GpuLayout(this);
        Optimizers = new GpuOptimizers(this);
        Losses = new GpuLosses(this);
        Reduction = new GpuReduction(this);
        Softmax = new GpuSoftmax(this);
        Normalization = new GpuNormalization(this);
        FusedNormalization = new GpuFusedNormalization(this);
        Matmul = new GpuMatmul(this);
    }

    /// <summary>What matrix products compute in.</summary>
    public Precision Precision { get; }

    /// <inheritdoc/>
    public override string Arithmetic => $"{Name.Split(':')[0]} {Precision.Name()}";

    /// <summary>
    /// Blocks that fill the device a few times over: kernels that stride over their work start no more.
    /// </summary>
    internal abstract int FullGrid { get; }

    /// <summary>
    /// Multiply-adds up to which the plainest kernel of a family will do: a few microseconds. With 0, work of any size
    /// goes the way of large work, as checks want it.
    /// </summary>
    internal long SmallWork { get; set; } = 1 << 21;

    /// <summary>Whether warp groups multiply (<c>Ptx.AddProduct</c>): on Hopper, capability 9.0.</summary>
    internal virtual bool HasWarpgroups { get; init; }

    /// <summary>The most threads that a block may have.</summary>
    internal virtual int ThreadsPerBlock => 1024;

    /// <summary>The most shared memory that a block may have, in bytes.</summary>
    internal abstract int SharedBytesPerBlock { get; }

    /// <summary>Threads that a block of this kernel has on this device.</summary>
    internal virtual int BlockSize(Kernel kernel) => kernel.Threads;

    /// <summary>Told of every launch while somebody profiles; null otherwise.</summary>
    internal LaunchProfiler? Observer { get; set; }

    /// <summary>A clock for launches of this device.</summary>
    internal abstract ILaunchClock LaunchClock(Profiler profiler);

    /// <summary>Starts a kernel on a grid of blocks; returns before it has run.</summary>
    internal abstract void Launch<TArguments>(
        Kernel<TArguments> kernel, in TArguments arguments, int blocksX, int blocksY = 1, int blocksZ = 1)
        where TArguments : unmanaged;

    /// <summary>Starts a kernel whose threads stride over <paramref name="items"/>, one each at a time.</summary>
    internal void LaunchOver<TArguments>(Kernel<TArguments> kernel, in TArguments arguments, long items)
        where TArguments : unmanaged
    {
        if (items == 0) return;
        int threads = BlockSize(kernel);
        Launch(kernel, arguments, (int)Math.Min((items + threads - 1) / threads, FullGrid));
    }

    /// <inheritdoc/>
    public override bool CanCapture => true;

    /// <summary>Whether launches are recorded now and do not run.</summary>
    private protected bool IsCapturing { get; private set; }

    /// <inheritdoc/>
    public override LaunchGraph Capture(Action work)
    {
        if (IsCapturing) throw new InvalidOperationException("a capture inside a capture");
        Shelf shelf = Pool.BeginShelf();
        LaunchGraph? graph = null;
        try
        {
            BeginCapture();
            try
            {
                IsCapturing = true;
                work();
            }
            finally
            {
                IsCapturing = false;
                // Also ends a capture that failed: the stream would stay in it.
                graph = EndCapture(shelf);
            }
            return graph ?? throw new InvalidOperationException("what was launched cannot be captured as a graph");
        }
        catch
        {
            graph?.Dispose();
            Pool.Merge(shelf);
            throw;
        }
        finally
        {
            Pool.EndShelf();
        }
    }

    /// <summary>From now on launches are recorded.</summary>
    private protected abstract void BeginCapture();

    /// <summary>What was launched since; null where it cannot be replayed.</summary>
    private protected abstract LaunchGraph? EndCapture(Shelf shelf);

    /// <summary>Refuses what a replay could not do again.</summary>
    private protected void RefuseInCapture(string what)
    {
        if (IsCapturing) throw new InvalidOperationException($"{what} cannot be part of a captured graph");
    }

    /// <summary>
    /// Three ints in memory that kernels and the host share: a kernel that meets an index outside its table writes (1,
    /// index, rows) here, and the next wait throws.
    /// </summary>
    internal abstract View Fault { get; }

    /// <summary>The host's address of <see cref="Fault"/>.</summary>
    private protected abstract unsafe int* FaultOnHost { get; }

    /// <summary>Throws, once, what a kernel reported through <see cref="Fault"/>.</summary>
    private protected unsafe void ThrowOnFault()
    {
        int* fault = FaultOnHost;
        if (fault[0] == 0) return;
        fault[0] = 0;
        throw new ArgumentOutOfRangeException(
            null, $"index {fault[1]} lies outside a table of {fault[2]} rows, on {Name}");
    }

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
}
