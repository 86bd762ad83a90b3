using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Items of x or of dy (<see cref="PlaneItems"/>), and how a stage holds them.</summary>
struct GradientItems
{
    public long Address;
    public int Channels;

    /// <summary>Items from plane to plane, from chunk to chunk and from sample to sample.</summary>
    public int Plane, Chunk, Sample;

    /// <summary>Bytes from chunk to chunk in shared memory.</summary>
    public uint StageChunk;
}

/// <summary>Arguments of <see cref="WarpgroupGradient"/>.</summary>
struct WarpgroupGradientArguments
{
    public GradientItems X, Dy;
    public long Partials;

    /// <summary>Blocks of output channels.</summary>
    public Divisor BlocksOut;

    /// <summary>Planes of x and of dy, and of padding; samples.</summary>
    public int DepthX, DepthDy, Padding, Batch;

    /// <summary>Positions from line to line.</summary>
    public int Pitch;

    /// <summary>Steps of 16 positions of a plane, and of a stage at most.</summary>
    public int Steps, StageSteps;

    /// <summary>Bytes of a stage.</summary>
    public uint StageBytes;
}

/// <summary>
/// <see cref="VolumeGradient"/> with 3 x 3 x 3 taps on warp groups, in bfloat16, from items:
/// <code>
///   dw[kd, kh, kw, c, m] = sum over planes d, positions p of x[d + kd, p + kh pitch + kw, c] dy[d, p, m]
/// </code>
/// A block has a plane kd of taps, 64 x 64 channels and a piece of the sum. Warp group g has the row kh = g: 3 taps,
/// 96 sums a thread. Rows of a product are output channels, dy of 16 positions in registers, fetched once for three
/// taps; its columns are input channels, x as it lies in shared memory, and a tap is another item to begin at.
/// <code>
///   step of 16 positions:  load dy; begin 3 products; wait for the 3 before
///   stage i:               wait for its copies; barrier; its first step; start copies of stage i + 2; its other steps
/// </code>
/// Behind the barrier of stage i all have waited for the products of stage i - 2, whose place takes stage i + 2: four
/// places. The last products of a stage and the first of the next go on over the barrier and the copies.
/// <code>
///   16 positions, 9 taps:  0.59 M multiply-adds, 288 clocks of the tensor cores
///   shared memory:         9 products of 2 KiB and 3 fragments of 2 KiB, 192 clocks; 4 KiB and the halo stored, 37
///   L2:                    5 KB with the halo of 28 x 20 voxels, 200 clocks at 24 B
/// </code>
/// Blocks leave partial sums [pieces, taps, Cin, Cout], which a column sum adds in order.
/// </summary>
static unsafe class WarpgroupGradient
{
    /// <summary>Channels of a block, of x and of dy; positions of a step.</summary>
    public const int BlockChannels = 64, StepPositions = 16;

    public const int Taps = 3, BlockChunks = BlockChannels / PlaneItems.Channels;

    /// <summary>Places for stages, and bytes of one at most.</summary>
    const int Places = 4;
    public const int MostStageBytes = (227 << 10) / Places / 128 * 128, SharedBytes = Places * MostStageBytes;

    const uint StepBytes = StepPositions * PlaneItems.Bytes;

    public static readonly Kernel<WarpgroupGradientArguments> Kernel =
        Of<ThreeRows>("convolution_weight_gradient_warpgroups");

    public static Kernel<WarpgroupGradientArguments> Of<TRows>(string name) where TRows : struct, ITapRows =>
        new(name, Run<TRows>)
        {
            Threads = TRows.Count * Ptx.WarpgroupThreads,
            AnyBlock = false,
            BlocksPerMultiprocessor = 1,
            SharedBytes = SharedBytes,
            TensorCores = true,
            WarpgroupSums = Taps * BlockChannels / 2,
        };

    static void Run<TRows>(WarpgroupGradientArguments a) where TRows : struct, ITapRows
    {
        var shared = Cuda.SharedBytes.Dynamic();
        int blocksOfPlane = Taps / TRows.Count, kd = Grid.IdxY / blocksOfPlane;
        int kh = (Grid.IdxY - kd * blocksOfPlane) * TRows.Count + Group.IdxX / Ptx.WarpgroupThreads;
        int blockIn = Grid.IdxZ / a.BlocksOut, blockOut = Grid.IdxZ - blockIn * a.BlocksOut.Value;
        GradientStages copies = GradientStages.Of(a, kd, blockIn, blockOut);
        int step = copies.Step, left = copies.Left;

        copies = GradientStages.Copy<TRows>(shared, a, copies);
        copies = GradientStages.Copy<TRows>(shared, a, copies);
        Ptx.ClearSums(shared, BlockChannels, 0);
        Ptx.ClearSums(shared, BlockChannels, 1);
        Ptx.ClearSums(shared, BlockChannels, 2);
        uint ofDy = Fragment(a), ofX = BlockChunks * a.Dy.StageChunk + (uint)(kh * a.Pitch * PlaneItems.Bytes);
        uint read = 0;
        while (left > 0)
        {
            int steps = GradientStages.Next(a, step, left);
            step = step + steps == a.Steps ? 0 : step + steps;
            left -= steps;
            uint dy = read + ofDy;
            var x = MatrixDescriptor.OfItems(shared, read + ofX, a.X.StageChunk, 8 * PlaneItems.Bytes);
            read = Next(read, a.StageBytes);
            Ptx.WaitForCopiesButOne();
            Ptx.ShowToTensorCores();
            Group.Barrier();
            Step(shared, dy, x);
            copies = GradientStages.Copy<TRows>(shared, a, copies);
            Finish(shared, dy, x, steps);
        }
        Ptx.WaitForProducts();
        Store(shared, a, (kd * Taps + kh) * Taps, blockIn * BlockChannels, blockOut * BlockChannels);
    }

    /// <summary>The next of the places for stages, which go round.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Next(uint place, uint stageBytes) => place == (Places - 1) * stageBytes ? 0 : place + stageBytes;

    /// <summary>What a lane names of the first step's dy: of a warp's 16 channels 8 x 8, turned, four times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Fragment(WarpgroupGradientArguments a)
    {
        int lane = Group.IdxX & 31, chunk = (Group.IdxX >> 5 & 3) * 2 + (lane >> 3 & 1);
        return (uint)chunk * a.Dy.StageChunk + (uint)(((lane >> 4) * 8 + (lane & 7)) * PlaneItems.Bytes);
    }

    /// <summary>
    /// The steps of a stage behind its first. Two are written out: a fragment is loaded while products read the one
    /// before. Those of the first step are over when the next stage begins, which loads its registers again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Finish(SharedBytes shared, uint dy, MatrixDescriptor x, int steps)
    {
        if (steps == 1) Ptx.WaitForProducts();
        else Ptx.WaitForProductsButOne();
        for (; steps > 2; steps -= 2)
        {
            Step(shared, dy + StepBytes, MatrixDescriptor.Further(x, StepBytes));
            Ptx.WaitForProductsButOne();
            dy += 2 * StepBytes;
            x = MatrixDescriptor.Further(x, 2 * StepBytes);
            Step(shared, dy, x);
            Ptx.WaitForProductsButOne();
        }
        if (steps == 1) return;
        Step(shared, dy + StepBytes, MatrixDescriptor.Further(x, StepBytes));
        Ptx.WaitForProductsButOne();
    }

    /// <summary>Begins the three products of a step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Step(SharedBytes shared, uint dy, MatrixDescriptor x)
    {
        Quad rows = Ptx.LoadMatrixTransposed(shared, dy);
        Ptx.BeginProducts();
        Ptx.AddProduct(shared, BlockChannels, rows, x, true, 0);
        Ptx.AddProduct(shared, BlockChannels, rows, MatrixDescriptor.Further(x, PlaneItems.Bytes), true, 1);
        Ptx.AddProduct(shared, BlockChannels, rows, MatrixDescriptor.Further(x, 2 * PlaneItems.Bytes), true, 2);
        Ptx.CommitProducts();
    }

    /// <summary>
    /// Stores the sums of three taps from this one on. Eight lanes have neighbouring output channels: 32 bytes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(SharedBytes shared, WarpgroupGradientArguments a, int tap, int firstIn, int firstOut)
    {
        int lane = Group.IdxX & 31, c = firstIn + (lane & 3) * 2;
        int m = firstOut + (Group.IdxX >> 5 & 3) * 16 + (lane >> 2);
        long matrix = (long)a.X.Channels * a.Dy.Channels * sizeof(float);
        var place = new SumsPlace
        {
            Target = a.Partials + (Grid.IdxX * Taps * Taps * Taps + tap) * matrix
                + ((long)c * a.Dy.Channels + m) * sizeof(float),
            LeftIn = a.X.Channels - c,
            LeftOut = a.Dy.Channels - m,
        };
        Store(shared, a, place, 0);
        place.Target += matrix;
        Store(shared, a, place, 1);
        place.Target += matrix;
        Store(shared, a, place, 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(SharedBytes shared, WarpgroupGradientArguments a, SumsPlace place, int set)
    {
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 0));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 1));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 2));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 3));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 4));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 5));
        place = Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 6));
        Store(a, place, Ptx.GetSums(shared, BlockChannels, set, 7));
    }

    /// <summary>Stores those of eight input channels; the place of the next eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static SumsPlace Store(WarpgroupGradientArguments a, SumsPlace place, Sums sums)
    {
        float* left = (float*)place.Target, right = (float*)(place.Target + (long)a.Dy.Channels * sizeof(float));
        if (place.LeftIn > 0 & place.LeftOut > 0) left[0] = sums.X;
        if (place.LeftIn > 1 & place.LeftOut > 0) right[0] = sums.Y;
        if (place.LeftIn > 0 & place.LeftOut > 8) left[8] = sums.Z;
        if (place.LeftIn > 1 & place.LeftOut > 8) right[8] = sums.W;
        // One by one: registers are full of sums.
        return new SumsPlace
        {
            Target = Ptx.Hold(place.Target + 8L * a.Dy.Channels * sizeof(float)),
            LeftIn = Ptx.Hold(place.LeftIn - 8),
            LeftOut = place.LeftOut,
        };
    }
}

/// <summary>Where a thread's first sum of eight input channels goes, and channels from there on.</summary>
struct SumsPlace
{
    public long Target;
    public int LeftIn, LeftOut;
}

/// <summary>Rows of a plane of taps that a block has warp groups for.</summary>
interface ITapRows
{
    static abstract int Count { get; }
}

/// <summary>All.</summary>
readonly struct ThreeRows : ITapRows
{
    public static int Count => 3;
}
