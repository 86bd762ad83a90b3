using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Matmul, rung 2: a block stages tiles of A and B in shared memory, so that what was loaded once serves 16 outputs.
/// Operands lie anywhere and may have any size: the way for products too small for the rungs above.
/// <code>
///   bytes from L2: 8 per 2 x 16 FLOP, 4 FLOP/B;   shared memory: 2 loads of 4 bytes a multiply-add, the new bound
///   thread t makes C[t / 16, t % 16] of a tile of (threads / 16) x 16
/// </code>
/// </summary>
static unsafe class MatmulSharedKernel
{
    /// <summary>Columns of a tile, and steps of k staged at once.</summary>
    public const int Side = 16;

    /// <summary>Rows have one word more, so that a column of a tile spreads over the banks.</summary>
    const int Pitch = Side + 1;

    public static readonly Kernel<MatmulArguments> Kernel = new("matmul_shared", Run);

    static void Run(MatmulArguments a)
    {
        int matrix = a.FirstMatrix + Grid.IdxZ;
        ArrayView<float> left = SharedMemory.Allocate<float>(Side * Pitch);
        ArrayView<float> right = SharedMemory.Allocate<float>(Side * Pitch);
        int thread = Group.IdxX, rows = Group.DimX / Side;
        int row = thread / Side, column = thread % Side;
        int tileColumns = (a.N + Side - 1) / Side;
        int tileRow = Grid.IdxX / tileColumns, tileColumn = Grid.IdxX - tileRow * tileColumns;
        int firstRow = tileRow * rows, firstColumn = tileColumn * Side;
        float* fromA = (float*)a.A + matrix * a.BatchA, fromB = (float*)a.B + matrix * a.BatchB;
        float sum = 0;
        for (int k = 0; k < a.K; k += Side)
        {
            Stage(left, fromA, a.LineA, a.StepA, firstRow, a.M, k, a.K, rows);
            Stage(right, fromB, a.LineB, a.StepB, firstColumn, a.N, k, a.K, Side);
            Group.Barrier();
            for (int i = 0; i < Side; i++)
                sum = Ptx.MultiplyAdd(left[row * Pitch + i], right[column * Pitch + i], sum);
            Group.Barrier();
        }
        if (firstRow + row < a.M && firstColumn + column < a.N)
            ElementStore.Finish(a, matrix, firstRow + row, firstColumn + column, sum);
    }

    /// <summary>Copies lines by 16 steps; neighbouring threads take neighbours in memory. Outside are zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Stage(
        ArrayView<float> tile, float* from, long lineStride, long stepStride, int line, int lineCount, int step,
        int stepCount, int lines)
    {
        for (int i = Group.IdxX; i < lines * Side; i += Group.DimX)
        {
            int ownLine = stepStride == 1 ? i / Side : i % lines, ownStep = stepStride == 1 ? i % Side : i / lines;
            bool isInside = line + ownLine < lineCount && step + ownStep < stepCount;
            tile[ownLine * Pitch + ownStep] =
                isInside ? from[(line + ownLine) * lineStride + (step + ownStep) * stepStride] : 0;
        }
    }
}
