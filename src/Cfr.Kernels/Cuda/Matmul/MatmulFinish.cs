using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The second half of a product whose sum was cut into pieces: adds them in their order and applies the epilogue.
/// <code>A [batch, Pieces, M, N]  ->  C [batch, M, N]</code>
/// Element (row, column) lies at <c>row LineA + column StepA</c>; packets want StepA = 1. Bytes: 4 M N (Pieces + 1);
/// the pieces mostly come from L2.
/// </summary>
static class MatmulFinish
{
    public static readonly Kernel<MatmulArguments> Packets = new("matmul_finish_packets", Run<FourLanes>);
    public static readonly Kernel<MatmulArguments> Elements = new("matmul_finish", Run<Lane>);

    static void Run<V>(MatmulArguments a) where V : unmanaged, IDeviceVector<V> =>
        EpilogueForm.Run<Loop<V>, MatmulArguments>(a.Form, a);

    readonly struct Loop<V> : IEpilogueLoop<MatmulArguments> where V : unmanaged, IDeviceVector<V>
    {
        public static void Run<TEpilogue>(MatmulArguments a) where TEpilogue : struct, IEpilogue
        {
            int vectors = a.N / V.Width, threads = Grid.DimX * Group.DimX;
            long count = (long)a.M * vectors;
            int matrix = a.FirstMatrix + Grid.IdxZ;
            long pieces = a.A + matrix * a.BatchA * sizeof(float);
            long between = a.BatchA / a.Pieces * sizeof(float);
            for (long at = Grid.IdxX * Group.DimX + Group.IdxX; at < count; at += threads)
            {
                int row = (int)(at / vectors), column = (int)(at - (long)row * vectors) * V.Width;
                long piece = pieces + (row * a.LineA + column * a.StepA) * sizeof(float);
                V sum = V.LoadFrom(piece);
                for (int i = 1; i < a.Pieces; i++)
                {
                    piece += between;
                    sum += V.LoadFrom(piece);
                }
                long place = matrix * a.BatchC + row * a.RowC + column;
                EpilogueOperands.Store<TEpilogue, V>(a.Epilogue, place, column, sum);
            }
        }
    }
}
