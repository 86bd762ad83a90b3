using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>A tile of C and the team of threads that makes it.</summary>
/// <typeparam name="TSums">A thread's sums.</typeparam>
/// <typeparam name="TOperands">A part of a stage of A and B as a thread multiplies it, in registers.</typeparam>
interface ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    static abstract int Threads { get; }

    /// <summary>Bytes of an element of A and B.</summary>
    static abstract int ElementBytes { get; }

    /// <summary>What this thread adds to the places of A's and B's stage.</summary>
    static abstract uint PlaceA(int thread);

    static abstract uint PlaceB(int thread);

    /// <summary>Parts of a stage: 2 or 4.</summary>
    static abstract int Parts { get; }

    /// <summary>Part <paramref name="part"/> of the stages of A and B that begin here.</summary>
    static abstract TOperands Load(SharedBytes shared, uint a, uint b, int part);

    /// <summary>Adds the product of a part.</summary>
    static abstract TSums Multiply(SharedBytes shared, TSums sums, TOperands of);

    /// <summary>Lays the sums out as a tile of rows in shared memory, permuted by <see cref="Swizzle.Sums"/>.</summary>
    static abstract void Spill(SharedBytes shared, TSums sums, int thread);
}

/// <summary>How a block makes a tile of C.</summary>
interface IBlockProduct
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    static abstract int Threads { get; }

    static abstract int ElementBytes { get; }

    /// <summary>
    /// The product of so many steps of the two operands, as a tile of rows in shared memory, permuted by <see
    /// cref="Swizzle.Sums"/>.
    /// </summary>
    static abstract void Multiply<TCopyA, TCopyB>(SharedBytes shared, TCopyA a, TCopyB b, int steps)
        where TCopyA : unmanaged, IOperandCopy<TCopyA> where TCopyB : unmanaged, IOperandCopy<TCopyB>;
}

/// <summary>
/// The loop of rungs 3 and 4. Four stages of 64 bytes of k: copies are started three stages before they are
/// needed, and one barrier a stage both shows the copies of all threads and says that the oldest stage has been read.
/// While a part of a stage is multiplied, the next is on its way to registers, the first of a stage too: behind the
/// barrier lie the products of the part before it. Otherwise all warps load together, then multiply together, and one
/// of both always rests (seen on an H200: 345 TFLOP/s in bfloat16).
/// <code>
///   bytes from L2 per block and stage: 64 (rows + columns); FLOP: 2 rows columns 64 / element
///   128 x 128: 64 FLOP/B in bfloat16, 32 in float;  128 x 256: 85 in bfloat16, 43 in TF32
/// </code>
/// In the end the tile goes through shared memory, so that C, bias, residual and pre-activation move in runs of whole
/// rows of the tile, 16 bytes a thread. C, its rows and what is laid out like it begin at multiples of 16 bytes, and
/// its columns are a multiple of 4; A and B as <see cref="IOperandLayout"/> wants.
/// </summary>
static class TiledMatmul
{
    public static void Run<TProduct, TA, TB>(MatmulArguments arguments)
        where TProduct : struct, IBlockProduct where TA : struct, IOperandLayout where TB : struct, IOperandLayout
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, rows = TProduct.Rows, columns = TProduct.Columns, threads = TProduct.Threads;
        int element = TProduct.ElementBytes;
        var tile = TileOrder.Of(
            Grid.IdxX, (arguments.M + rows - 1) / rows, (arguments.N + columns - 1) / columns);
        int row = tile.Row * rows, column = tile.Column * columns;
        int target = arguments.FirstMatrix * arguments.Pieces + Grid.IdxZ, matrix = target / arguments.Pieces;
        int step = (target - matrix * arguments.Pieces) * arguments.PieceSteps, end = step + arguments.PieceSteps;
        if (end > arguments.K) end = arguments.K;

        var a = TA.Begin(
            arguments.A + matrix * arguments.BatchA * element, Stride(arguments.LineA, arguments.StepA), row,
            arguments.M, step, end, thread, rows, threads, element);
        var b = TB.Begin(
            arguments.B + matrix * arguments.BatchB * element, Stride(arguments.LineB, arguments.StepB), column,
            arguments.N, step, end, thread, columns, threads, element);
        TProduct.Multiply(shared, new LayoutCopy<TA> { Copy = a }, new LayoutCopy<TB> { Copy = b }, end - step);
        EpilogueForm.Run<TileStore, TileStore>(
            arguments.Form,
            new TileStore
            {
                Shared = shared,
                Epilogue = arguments.Epilogue,
                At = target * arguments.BatchC + row * arguments.RowC + column,
                RowC = arguments.RowC,
                RowsLeft = arguments.M - row,
                ColumnsLeft = arguments.N - column,
                Column = column,
                Rows = rows,
                Columns = columns,
                Threads = threads,
            });
    }

    /// <summary>
    /// The product of so many steps of the two operands, as a tile of rows in shared memory, permuted by <see
    /// cref="Swizzle.Sums"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TTile, TSums, TOperands, TCopyA, TCopyB>(
        SharedBytes shared, TCopyA a, TCopyB b, int steps)
        where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
        where TCopyA : unmanaged, IOperandCopy<TCopyA> where TCopyB : unmanaged, IOperandCopy<TCopyB>
    {
        int thread = Group.IdxX, rows = TTile.Rows, columns = TTile.Columns, threads = TTile.Threads;
        int element = TTile.ElementBytes, stageSteps = Tile.StageBytes / element;
        uint placeA = TTile.PlaceA(thread), placeB = TTile.PlaceB(thread);
        uint stageB = (uint)(rows * Tile.StageBytes), stageBytes = (uint)((rows + columns) * Tile.StageBytes);
        uint lastStage = (Tile.Stages - 1) * stageBytes;
        int stages = (steps + stageSteps - 1) / stageSteps;

        for (uint stage = 0; stage < lastStage; stage += stageBytes)
        {
            a = TCopyA.Stage(shared, stage, a, rows, threads, element);
            b = TCopyB.Stage(shared, stage + stageB, b, columns, threads, element);
            Ptx.CommitCopies();
        }
        TSums sums = default;
        uint read = 0, write = lastStage;
        Ptx.WaitForCopiesButTwo();
        a = TCopyA.Arrived(shared, read, a, rows, threads, element);
        b = TCopyB.Arrived(shared, read + stageB, b, columns, threads, element);
        Group.Barrier();
        TOperands part = TTile.Load(shared, placeA, stageB + placeB, 0);
        for (int i = 0; i < stages; i++)
        {
            uint readA = read + placeA, readB = read + stageB + placeB;
            TOperands next = TTile.Load(shared, readA, readB, 1);
            if (i + Tile.Stages - 1 < stages)
            {
                a = TCopyA.Stage(shared, write, a, rows, threads, element);
                b = TCopyB.Stage(shared, write + stageB, b, columns, threads, element);
            }
            Ptx.CommitCopies();
            sums = TTile.Multiply(shared, sums, part);
            if (TTile.Parts > 2)
            {
                part = TTile.Load(shared, readA, readB, 2);
                sums = TTile.Multiply(shared, sums, next);
                next = TTile.Load(shared, readA, readB, 3);
                sums = TTile.Multiply(shared, sums, part);
            }
            read = read == lastStage ? 0 : read + stageBytes;
            write = write == lastStage ? 0 : write + stageBytes;
            Ptx.WaitForCopiesButTwo();
            // After the last stage this is an older one, which nobody multiplies.
            a = TCopyA.Arrived(shared, read, a, rows, threads, element);
            b = TCopyB.Arrived(shared, read + stageB, b, columns, threads, element);
            Group.Barrier();
            part = TTile.Load(shared, read + placeA, read + stageB + placeB, 0);
            sums = TTile.Multiply(shared, sums, next);
        }

        Ptx.WaitForCopies();
        Group.Barrier();
        TTile.Spill(shared, sums, thread);
        Group.Barrier();
    }

    static long Stride(long line, long step) => line == 1 ? step : line;
}

/// <summary>The product of a tile in registers, by that loop.</summary>
readonly struct TileProduct<TTile, TSums, TOperands> : IBlockProduct
    where TTile : struct, ITile<TSums, TOperands> where TSums : unmanaged where TOperands : unmanaged
{
    public static int Rows => TTile.Rows;

    public static int Columns => TTile.Columns;

    public static int Threads => TTile.Threads;

    public static int ElementBytes => TTile.ElementBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TCopyA, TCopyB>(SharedBytes shared, TCopyA a, TCopyB b, int steps)
        where TCopyA : unmanaged, IOperandCopy<TCopyA> where TCopyB : unmanaged, IOperandCopy<TCopyB> =>
        TiledMatmul.Multiply<TTile, TSums, TOperands, TCopyA, TCopyB>(shared, a, b, steps);
}
