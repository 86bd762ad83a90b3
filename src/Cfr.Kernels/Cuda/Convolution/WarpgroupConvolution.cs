using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// <see cref="HaloConvolution"/> with 3 x 3 x 3 taps on warp groups, in bfloat16: of a box of 4 x 8 x 8 outputs either
/// of two warp groups makes two slices, each the 64 lines of a product. A is the box of inputs in shared memory, from
/// the tap's first voxel on (<see cref="BoxPlanes"/>), B the tap's weights. A stage is the 9 taps of a kernel plane over
/// 16 channels.
/// <code>
///   stage i:  wait for its weights; barrier; begin 6 of its 18 products; start copies of the weights of stage i + 2;
///             load a part of the next 16 channels' box to registers; begin the other 12; round and store that part;
///             wait for the products of stage i - 1
/// </code>
/// Behind the barrier of stage i all have waited for the products of stage i - 2, whose place takes stage i + 2: four
/// places for weights. There are two for boxes; the next comes in the second and third stage of 16 channels.
/// <code>
///   64 columns, 16 channels:  7.1 M multiply-adds, 3,456 clocks of the tensor cores
///   shared memory:            108 products of 2 + 2 KiB, 3,456 clocks; 75 KB stored, 590
///   L2:                       38 KB of inputs, 55 of weights, 3,900 clocks at 24 B
/// </code>
/// Two blocks on a multiprocessor cover each other's first loads and stores.
/// </summary>
static class WarpgroupConvolution
{
    /// <summary>Output channels of a block.</summary>
    public const int Columns = 64;

    /// <summary>Sums of a thread.</summary>
    public const int Sums = Sets * Columns / 2;

    /// <summary>Shared memory for boxes and weights, and afterwards for the sums.</summary>
    public static readonly int BlockBytes =
        Math.Max(2 * BoxPlanes.Bytes + Places * WeightBytes, BoxPlanes.Depth * SliceSums);

    const int Taps = 3, Planes = 3, Places = 4, Sets = 2;

    /// <summary>Bytes of a tap's weights, of a stage's, and of a slice's sums.</summary>
    const int TapBytes = Columns / 16 * PackedWeights.BlockBytes, WeightBytes = Taps * Taps * TapBytes,
        SliceSums = Ptx.WarpgroupRows * Columns * sizeof(float);

    public static void Run(HaloArguments a)
    {
        var shared = SharedBytes.Dynamic();
        HaloBlock block = Block(a, Grid.IdxX);
        if (a.X.Constants.Address != 0) Multiply<NormalizedInput>(shared, a, block);
        else if (a.X.HasPackets != 0) Multiply<PacketInput>(shared, a, block);
        else Multiply<ElementInput>(shared, a, block);

        Group.Barrier();
        uint rows = (uint)(Group.IdxX / Ptx.WarpgroupThreads * Sets * SliceSums);
        Ptx.StoreSums(shared, Columns, rows, 0);
        Ptx.StoreSums(shared, Columns, rows + (uint)SliceSums, 1);
        Group.Barrier();
        // The block's place is found anew: its registers are wanted for the products.
        BoxStore.Run(shared, a, Block(a, Ptx.Hold(Grid.IdxX)), Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static HaloBlock Block(HaloArguments a, int number) =>
        HaloBlock.Of(a, number, BoxPlanes.Depth, BoxPlanes.Height, BoxPlanes.Width, Columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Multiply<TInput>(SharedBytes shared, HaloArguments a, HaloBlock block)
        where TInput : struct, IConvolutionInput<TInput>
    {
        const uint Boxes = 2 * BoxPlanes.Bytes;
        VoxelPlace input = block.Input;
        int stages = a.Chunks * Planes;
        var weights = new WeightStages
        {
            Source = a.Weights + (long)block.Group * stages * WeightBytes + Group.IdxX * 16,
            Left = stages,
            Write = Boxes,
            Read = Boxes,
        };
        weights = Copy(shared, weights);
        weights = Copy(shared, weights);
        FivePackets first = BoxPlanes.Load<TInput>(a.X, input, 0), second = BoxPlanes.Load<TInput>(a.X, input, 1);
        BoxPlanes.Store<TInput>(shared, 0, a.X, input, 0, first);
        BoxPlanes.Store<TInput>(shared, 0, a.X, input, 1, second);
        Ptx.ClearSums(shared, Columns, 0);
        Ptx.ClearSums(shared, Columns, 1);
        uint box = 0;
        for (int chunk = 0; chunk < a.Chunks; chunk++)
        {
            uint next = BoxPlanes.Bytes - box;
            input.Channel += BoxPlanes.Channels;
            weights = Begin(shared, box, weights);
            weights = Finish(shared, box, weights);
            Ptx.WaitForProductsButOne();

            weights = Begin(shared, box + BoxPlanes.SliceBytes, weights);
            FivePackets part = BoxPlanes.Load<TInput>(a.X, input, 0);
            weights = Finish(shared, box + BoxPlanes.SliceBytes, weights);
            BoxPlanes.Store<TInput>(shared, next, a.X, input, 0, part);
            Ptx.WaitForProductsButOne();

            weights = Begin(shared, box + 2 * BoxPlanes.SliceBytes, weights);
            part = BoxPlanes.Load<TInput>(a.X, input, 1);
            weights = Finish(shared, box + 2 * BoxPlanes.SliceBytes, weights);
            BoxPlanes.Store<TInput>(shared, next, a.X, input, 1, part);
            Ptx.WaitForProductsButOne();
            box = next;
        }
        Ptx.WaitForProducts();
    }

    /// <summary>
    /// Waits for the weights of a stage, begins the first third of its products, from the slice of inputs that begins
    /// here, and starts copies of the weights of the second stage after it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static WeightStages Begin(SharedBytes shared, uint slice, WeightStages weights)
    {
        Ptx.WaitForCopiesButOne();
        Ptx.ShowToTensorCores();
        Group.Barrier();
        Ptx.BeginProducts();
        Column(shared, slice, weights.Read, 0);
        return Copy(shared, weights);
    }

    /// <summary>Begins the rest of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static WeightStages Finish(SharedBytes shared, uint slice, WeightStages weights)
    {
        Column(shared, slice, weights.Read, 1);
        Column(shared, slice, weights.Read, 2);
        Ptx.CommitProducts();
        weights.Read = Next(weights.Read);
        return weights;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static WeightStages Copy(SharedBytes shared, WeightStages weights)
    {
        Piece(shared, weights, 0);
        Piece(shared, weights, 1);
        Piece(shared, weights, 2);
        Piece(shared, weights, 3);
        Piece(shared, weights, 4);
        Ptx.CommitCopies();
        weights.Left--;
        weights.Source += WeightBytes;
        weights.Write = Next(weights.Write);
        return weights;
    }

    /// <summary>
    /// 16 bytes a thread. Pieces are written out: ptxas makes each product wait where a loop lies between their beginning
    /// and their end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Piece(SharedBytes shared, WeightStages weights, int piece)
    {
        int first = piece * BoxPlanes.Threads * 16, at = first + Group.IdxX * 16;
        if (first < WeightBytes && weights.Left > 0 & at < WeightBytes)
            Ptx.CopyAsync16(shared, weights.Write + (uint)at, weights.Source + first, 16);
    }

    /// <summary>The three taps along h at a place along w.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Column(SharedBytes shared, uint slice, uint weights, int w)
    {
        const uint Line = BoxPlanes.LineBytes;
        int firstSlice = Group.IdxX / Ptx.WarpgroupThreads * Sets;
        uint own = (uint)(firstSlice * BoxPlanes.SliceBytes + w * BoxPlanes.ItemBytes);
        uint tap = (uint)TapBytes;
        var a = MatrixDescriptor.OfItems(shared, slice + own, BoxPlanes.LineBytes, BoxPlanes.PlaneBytes);
        var b = MatrixDescriptor.OfItems(
            shared, weights + (uint)(w * Taps) * tap, PackedWeights.BlockBytes / 2, PackedWeights.BlockBytes / 4);
        Tap(shared, a, b);
        Tap(shared, MatrixDescriptor.Further(a, Line), MatrixDescriptor.Further(b, tap));
        Tap(shared, MatrixDescriptor.Further(a, 2 * Line), MatrixDescriptor.Further(b, 2 * tap));
    }

    /// <summary>A tap for both slices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Tap(SharedBytes shared, MatrixDescriptor a, MatrixDescriptor b)
    {
        Ptx.AddProduct(shared, Columns, a, false, b, false, 0);
        Ptx.AddProduct(
            shared, Columns, MatrixDescriptor.Further(a, BoxPlanes.SliceBytes), false, b, false, 1);
    }

    /// <summary>The next of the places for weights, which go round.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Next(uint place)
    {
        const uint Boxes = 2 * BoxPlanes.Bytes;
        uint bytes = (uint)WeightBytes;
        return place == Boxes + (Places - 1) * bytes ? Boxes : place + bytes;
    }
}

/// <summary>A thread's way through the weights, stage by stage.</summary>
struct WeightStages
{
    /// <summary>Its first 16 bytes of the next stage to copy, and the stages from there on.</summary>
    public long Source;
    public int Left;

    /// <summary>Where in shared memory that stage goes, and where the next one to multiply lies.</summary>
    public uint Write, Read;
}
