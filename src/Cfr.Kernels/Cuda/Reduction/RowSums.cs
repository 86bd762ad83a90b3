using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="RowSums"/>.</summary>
struct RowSumArguments
{
    public long Rows, X, Y;
    public int Width, Vectors, Lanes, Accumulate;
    public float Scale;
}

/// <summary>Sums of contiguous rows, a row a team. 4 bytes an element; bound by memory.</summary>
static unsafe class RowSums
{
    const int VectorsOfPart = 32;

    public static void Sum<TTeam, V>(RowSumArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        float* y = (float*)a.Y;
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = walk.Row(first, a.Rows), start = a.X + row * a.Width * 4;
            V sums = V.Splat(0);
            for (int i = walk.Rank; i < a.Vectors;)
            {
                int end = i + VectorsOfPart * walk.Size;
                if (end > a.Vectors) end = a.Vectors;
                V part = V.Splat(0);
                for (; i < end; i += walk.Size) part += V.LoadFrom(start + 4L * V.Width * i);
                sums += part;
            }
            float sum = TTeam.Sum(scratch, walk.Size, V.Sum(sums)) * a.Scale;
            if (walk.Rank == 0 && walk.Mine(first, a.Rows)) y[row] = a.Accumulate != 0 ? y[row] + sum : sum;
        }
    }
}
