using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The second half of a product whose sum was cut into pieces: adds them in their order and applies the epilogue.
/// <code>A [batch, Splits, M, LineA]  ->  C [batch, M, N]</code>
/// Bytes: 4 M N (Splits + 1); the pieces mostly come from L2.
/// </summary>
static unsafe class MatmulFinish
{
    public static readonly Kernel<MatmulArguments> Packets = new("matmul_finish_packets", Run<FourLanes>);
    public static readonly Kernel<MatmulArguments> Elements = new("matmul_finish", Run<Lane>);

    static void Run<V>(MatmulArguments a) where V : unmanaged, IVector<V> =>
        EpilogueChoice.Run<Loop<V>, MatmulArguments>(a.Form, a);

    readonly struct Loop<V> : IEpilogueLoop<MatmulArguments> where V : unmanaged, IVector<V>
    {
        public static void Run<TEpilogue>(MatmulArguments a) where TEpilogue : struct, IEpilogue
        {
            int vectors = a.N / V.Width, threads = Grid.DimX * Group.DimX;
            long count = (long)a.M * vectors;
            float* pieces = (float*)a.A + Grid.IdxZ * a.BatchA;
            long between = a.M * a.LineA;
            for (long i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += threads)
            {
                int row = (int)(i / vectors), column = (int)(i - (long)row * vectors) * V.Width;
                float* piece = pieces + row * a.LineA + column;
                V sum = V.Load(piece);
                for (int split = 1; split < a.Splits; split++)
                {
                    piece += between;
                    sum += V.Load(piece);
                }
                TEpilogue.Store(a.Epilogue, Grid.IdxZ * a.BatchC + row * a.RowC + column, column, sum);
            }
        }
    }
}
