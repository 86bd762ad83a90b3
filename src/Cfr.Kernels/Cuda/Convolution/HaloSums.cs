namespace Cfr.Kernels.Cuda;

/// <summary>
/// What a thread sums of a block's box of outputs, and how it does so from the box of inputs and the weights in shared
/// memory. A box is lines along h: a thread takes several that follow each other, at one place (or two) along d and w.
/// </summary>
interface IHaloSums<TSelf> where TSelf : unmanaged, IHaloSums<TSelf>
{
    /// <summary>Lines that a thread sums.</summary>
    static abstract int Lines { get; }

    /// <summary>Output channels of a block.</summary>
    static abstract int Columns { get; }

    /// <summary>Threads that make a box of <c>runs</c> of 8 voxels along w times <c>lines</c>.</summary>
    static abstract int Threads(int runs, int lines);

    /// <summary>What a thread of a box of this width (in voxels) and height begins with.</summary>
    static abstract HaloThread Begin(int thread, int height, int width);

    /// <summary>
    /// Adds the products of three taps that follow each other along h, over 32 bytes of channels. The thread's places
    /// in the inputs of its first line and in the weights of the first tap are given.
    /// </summary>
    static abstract TSelf Multiply(SharedBytes shared, TSelf sums, uint x, uint lineBytes, uint weights);

    /// <summary>A thread's way of storing.</summary>
    static abstract LineStore StoreOf(HaloStore store, int thread, int height, int width);

    /// <summary>Stores the sums with their bias, where <paramref name="hasPairs"/> two channels at once.</summary>
    static abstract void Store(LineStore store, int hasPairs, TSelf sums);

    /// <summary>Pairs of channels that a thread has of a voxel (2 or 4), and from one to the next.</summary>
    static abstract int Pairs { get; }

    static abstract int BetweenPairs { get; }

    /// <summary>Adds up the outputs that exist, or their squared deviations.</summary>
    static abstract PairSums Add<TMoment>(LineStore store, TSelf sums, PairSums totals, PairSums means)
        where TMoment : struct, IMomentOf;
}

/// <summary>A thread's first voxel in a box, its chunk of a row, and its place in the weights of a tap.</summary>
struct HaloThread
{
    public int D, H, W, Chunk;
    public uint Weights;
}

/// <summary>Where a block's outputs go: those of a box whose first voxel and channel is given.</summary>
struct HaloStore
{
    public long Y, Bias;
    public VoxelPlace First;
    public Extent Size;
    public int Channels;

    /// <summary>The address of a voxel of the box, at the block's channel this much further on.</summary>
    public static long Address(HaloStore s, int d, int h, int w, int column)
    {
        long voxel = (((long)s.First.Batch * s.Size.D + s.First.D + d) * s.Size.H + s.First.H + h) * s.Size.W
            + s.First.W + w;
        return s.Y + (voxel * s.Channels + s.First.Channel + column) * sizeof(float);
    }

    /// <summary>How many lines exist, from this voxel of the box on.</summary>
    public static int LinesLeft(HaloStore s, int d, int h, int w) =>
        s.First.D + d < s.Size.D & s.First.W + w < s.Size.W ? s.Size.H - s.First.H - h : 0;
}
