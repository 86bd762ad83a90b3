using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>A tile of C and the team of threads that makes it.</summary>
/// <typeparam name="TSums">A thread's sums.</typeparam>
interface ITile<TSums> where TSums : unmanaged
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    static abstract int Threads { get; }

    /// <summary>Bytes of an element of A and B.</summary>
    static abstract int ElementBytes { get; }

    /// <summary>What this thread adds to the places of A's and B's stage.</summary>
    static abstract uint PlaceA(int thread);

    static abstract uint PlaceB(int thread);

    /// <summary>Adds the product of a stage of A and a stage of B.</summary>
    static abstract TSums Multiply(SharedBytes shared, TSums sums, uint a, uint b);

    /// <summary>Lays the sums out as a tile of rows in shared memory, permuted by <see cref="Swizzle.Sums"/>.</summary>
    static abstract void Spill(SharedBytes shared, TSums sums, int thread);
}

/// <summary>
/// The loop of the upper two rungs: wait, start the next stage's copies, multiply, rotate. Four stages of 64 bytes of
/// k: copies are started three stages before they are needed, and one barrier a stage both shows the copies of all
/// threads and says that the oldest stage has been read.
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
    public static void Run<TTile, TSums, TA, TB>(MatmulArguments arguments)
        where TTile : struct, ITile<TSums> where TSums : unmanaged
        where TA : struct, IOperandLayout where TB : struct, IOperandLayout
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, rows = TTile.Rows, columns = TTile.Columns, threads = TTile.Threads;
        int element = TTile.ElementBytes, stageSteps = Tile.StageBytes / element;
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
        uint placeA = TTile.PlaceA(thread), placeB = TTile.PlaceB(thread);
        uint stageB = (uint)(rows * Tile.StageBytes), stageBytes = (uint)((rows + columns) * Tile.StageBytes);
        uint lastStage = (Tile.Stages - 1) * stageBytes;
        int stages = (end - step + stageSteps - 1) / stageSteps;

        for (uint stage = 0; stage < lastStage; stage += stageBytes)
        {
            a = OperandCopy.Stage<TA>(shared, stage, a, rows, threads, element);
            b = OperandCopy.Stage<TB>(shared, stage + stageB, b, columns, threads, element);
            Ptx.CommitCopies();
        }
        TSums sums = default;
        uint read = 0, write = lastStage;
        for (int i = 0; i < stages; i++)
        {
            Ptx.WaitForCopiesButTwo();
            Group.Barrier();
            if (i + Tile.Stages - 1 < stages)
            {
                a = OperandCopy.Stage<TA>(shared, write, a, rows, threads, element);
                b = OperandCopy.Stage<TB>(shared, write + stageB, b, columns, threads, element);
            }
            Ptx.CommitCopies();
            sums = TTile.Multiply(shared, sums, read + placeA, read + stageB + placeB);
            read = read == lastStage ? 0 : read + stageBytes;
            write = write == lastStage ? 0 : write + stageBytes;
        }

        Ptx.WaitForCopies();
        Group.Barrier();
        TTile.Spill(shared, sums, thread);
        Group.Barrier();
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

    static long Stride(long line, long step) => line == 1 ? step : line;
}
