using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ShortMatmul"/>.</summary>
struct ShortArguments
{
    public MatmulArguments Product;

    /// <summary>Threads along a row, a power of two.</summary>
    public int Across;
}

/// <summary>
/// Products with at most 8 steps (LoRA's outer side, the input gradient of a layer with few outputs), in float32
/// whatever the precision. An element of C costs 2K FLOP and 4 bytes, so writing C is all there is: M = 4,014,080,
/// N = 16 are 257 MB, 60 us at 4.3 TB/s. A thread keeps its columns and goes down the rows; rows of A are shared by
/// neighbouring lanes, B stays in L1.
/// </summary>
static unsafe class ShortMatmul
{
    /// <summary>Columns are neighbours in B and C, 4 at a time; or one at a time, anywhere in B.</summary>
    public static readonly Kernel<ShortArguments> Packets = new("matmul_short_packets", Run<FourLanes>);
    public static readonly Kernel<ShortArguments> Elements = new("matmul_short", Run<Lane>);

    static void Run<V>(ShortArguments a) where V : unmanaged, IDeviceVector<V> =>
        EpilogueForm.Run<Loop<V>, ShortArguments>(a.Product.Form, a);

    readonly struct Loop<V> : IEpilogueLoop<ShortArguments> where V : unmanaged, IDeviceVector<V>
    {
        public static void Run<TEpilogue>(ShortArguments s) where TEpilogue : struct, IEpilogue
        {
            MatmulArguments a = s.Product;
            int column = (Grid.IdxY * s.Across + (Group.IdxX & (s.Across - 1))) * V.Width;
            if (column >= a.N) return;
            int rows = Group.DimX / s.Across, step = Grid.DimX * rows, matrix = a.FirstMatrix + Grid.IdxZ;
            long b = a.B + (matrix * a.BatchB + column * a.LineB) * sizeof(float);
            float* left = (float*)a.A + matrix * a.BatchA;
            for (int row = Grid.IdxX * rows + Group.IdxX / s.Across; row < a.M; row += 2 * step)
            {
                // Two rows on their way at once; behind the last one, that one again.
                bool two = a.M - row > step;
                float* first = left + row * a.LineA, second = two ? first + step * a.LineA : first;
                V sum = V.Splat(0), other = sum;
                for (int k = 0; k < a.K; k++)
                {
                    V columns = V.LoadFrom(b + k * a.StepB * sizeof(float));
                    sum = V.MultiplyAdd(V.Splat(first[k * a.StepA]), columns, sum);
                    other = V.MultiplyAdd(V.Splat(second[k * a.StepA]), columns, other);
                }
                long place = matrix * a.BatchC + row * a.RowC + column;
                EpilogueOperands.Store<TEpilogue, V>(a.Epilogue, place, column, sum);
                if (two) EpilogueOperands.Store<TEpilogue, V>(a.Epilogue, place + step * a.RowC, column, other);
            }
        }
    }
}
