using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// How many columns a product of warp groups has: a multiple of 64 where a permutation turns B, and else of 32.
/// </summary>
interface IWarpgroupColumns
{
    static abstract int Count { get; }
}

/// <summary>128.</summary>
readonly struct Columns128 : IWarpgroupColumns
{
    public static int Count => 128;
}

/// <summary>192: 128 x 192 tiles are 128 of 4,096 x 768, 0.97 of an H100's multiprocessors.</summary>
readonly struct Columns192 : IWarpgroupColumns
{
    public static int Count => 192;
}

/// <summary>
/// Rung 5, warp groups: two of them make 64 lines each of a tile of 128 lines, in bfloat16. The tensor cores read both
/// operands from the stages in shared memory: no fragments, no registers but the sums', and of the 64 clocks of a
/// 64 x 128 x 16 product the threads issue one.
/// <code>
///   stage i:  wait for its copies; barrier; begin its two products; start copies of stage i + 3; wait for the products of
///             stage i - 1
/// </code>
/// Behind the barrier of stage i all have waited for the products of stage i - 2, whose place takes stage i + 3: five
/// stages. Two blocks fit on a multiprocessor, so that one computes while the other stores its tile.
/// </summary>
readonly struct WarpgroupProduct<TColumns, TA, TB> : IBlockProduct
    where TColumns : struct, IWarpgroupColumns where TA : struct, IWarpgroupLayout where TB : struct, IWarpgroupLayout
{
    /// <summary>Stages in shared memory, stages that copies are ahead, and warp groups.</summary>
    const int Stages = 5, Ahead = 3, Groups = 2;

    public static int Rows => Groups * Ptx.WarpgroupRows;

    public static int Columns => TColumns.Count;

    public static int Threads => Groups * Ptx.WarpgroupThreads;

    public static int ElementBytes => 2;

    public static int SharedBytes =>
        Math.Max(Stages * (Rows + Columns) * Tile.StageBytes, Rows * Columns * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TCopyA, TCopyB>(SharedBytes shared, TCopyA a, TCopyB b, int steps)
        where TCopyA : unmanaged, IOperandCopy<TCopyA> where TCopyB : unmanaged, IOperandCopy<TCopyB>
    {
        int group = Group.IdxX / Ptx.WarpgroupThreads * Ptx.WarpgroupRows;
        uint ofB = (uint)(Rows * Tile.StageBytes), stageBytes = (uint)((Rows + Columns) * Tile.StageBytes);
        uint end = Stages * stageBytes;
        int stages = (steps + Tile.StageBytes / ElementBytes - 1) / (Tile.StageBytes / ElementBytes);

        for (uint stage = 0; stage < Ahead * stageBytes; stage += stageBytes)
        {
            a = TCopyA.Stage(shared, stage, a, Rows, Threads, ElementBytes);
            b = TCopyB.Stage(shared, stage + ofB, b, Columns, Threads, ElementBytes);
            Ptx.CommitCopies();
        }
        Ptx.ClearSums(shared, Columns);
        uint read = 0, write = Ahead * stageBytes;
        for (int i = 0; i < stages; i++)
        {
            Ptx.WaitForCopiesButTwo();
            a = TCopyA.Arrived(shared, read, a, Rows, Threads, ElementBytes);
            b = TCopyB.Arrived(shared, read + ofB, b, Columns, Threads, ElementBytes);
            Ptx.ShowToTensorCores();
            Group.Barrier();
            Ptx.BeginProducts();
            MultiplyHalf(shared, read, read + ofB, group, 0);
            MultiplyHalf(shared, read, read + ofB, group, 1);
            Ptx.CommitProducts();
            if (i + Ahead < stages)
            {
                a = TCopyA.Stage(shared, write, a, Rows, Threads, ElementBytes);
                b = TCopyB.Stage(shared, write + ofB, b, Columns, Threads, ElementBytes);
            }
            Ptx.CommitCopies();
            read = read + stageBytes == end ? 0 : read + stageBytes;
            write = write + stageBytes == end ? 0 : write + stageBytes;
            Ptx.WaitForProductsButOne();
        }

        Ptx.WaitForProducts();
        Ptx.WaitForCopies();
        Group.Barrier();
        Ptx.StoreSums(shared, Columns, (uint)(group * Columns * sizeof(float)));
        Group.Barrier();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void MultiplyHalf(SharedBytes shared, uint stageA, uint stageB, int line, int half) => Ptx.AddProduct(
        shared, Columns, TA.Descriptor(shared, stageA, line, half), !TA.StepsAreNeighbours,
        TB.Descriptor(shared, stageB, 0, half), !TB.StepsAreNeighbours);
}
