using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>A sum that is complete, and where it goes: the epilogues on one element.</summary>
struct ElementStore : IEpilogueLoop<ElementStore>
{
    public EpilogueOperands Epilogue;
    public long At;
    public int Column;
    public float Sum;

    /// <summary>Element (row, column) of matrix <paramref name="matrix"/> of C.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish(MatmulArguments a, int matrix, int row, int column, float sum) =>
        EpilogueForm.Run<ElementStore, ElementStore>(
            a.Form,
            new ElementStore
            {
                Epilogue = a.Epilogue,
                At = matrix * a.BatchC + row * a.RowC + column,
                Column = column,
                Sum = sum,
            });

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TEpilogue>(ElementStore element) where TEpilogue : struct, IEpilogue =>
        EpilogueOperands.Store<TEpilogue, Lane>(element.Epilogue, element.At, element.Column, new Lane(element.Sum));
}

/// <summary>
/// Matmul, rung 1: one thread per output, no re-use. The reference for every other rung; operands lie anywhere.
/// FLOP 2 M N K; bytes asked for 8 M N K: 0.25 FLOP/B, so 1 TFLOP/s of 4.3 TB/s, and as much more as caches give.
/// </summary>
static unsafe class MatmulNaiveKernel
{
    public static readonly Kernel<MatmulArguments> Kernel = new("matmul_naive", Run);

    static void Run(MatmulArguments a)
    {
        int matrix = a.FirstMatrix + Grid.IdxZ;
        float* left = (float*)a.A + matrix * a.BatchA, right = (float*)a.B + matrix * a.BatchB;
        long outputs = (long)a.M * a.N, threads = Grid.DimX * Group.DimX;
        for (long output = Grid.IdxX * Group.DimX + Group.IdxX; output < outputs; output += threads)
        {
            int row = (int)(output / a.N), column = (int)(output - (long)row * a.N);
            float sum = 0;
            for (int k = 0; k < a.K; k++)
            {
                sum = Ptx.MultiplyAdd(
                    left[row * a.LineA + k * a.StepA], right[column * a.LineB + k * a.StepB], sum);
            }
            ElementStore.Finish(a, matrix, row, column, sum);
        }
    }
}
