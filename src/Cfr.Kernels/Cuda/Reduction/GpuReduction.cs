using System.Numerics;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Reductions over the middle axis: contiguous rows a team each, short axes and many results serially, few numbers by
/// the second stage over columns alone, everything else in both.
/// </summary>
sealed class GpuReduction(GpuDevice gpu) : IReduction
{
    /// <summary>The longest row that is not cut, where there are few rows.</summary>
    const long LongestRow = 8192;

    /// <summary>The longest axis that a thread walks alone, however few the results.</summary>
    const long ShortAxis = 32;

    /// <summary>The longest axis, and most numbers, that one stage over columns adds up: bound by latency.</summary>
    const long AxisOfStage = 1024, NumbersOfStage = 1 << 22;

    const long LongestRowOfLanes = 4096;
    const int Threads = 256;

    /// <summary>Lanes and floats, lanes and packets, block and floats, block and packets.</summary>
    static readonly Kernel<RowSumArguments>[] RowKernels =
    [
        new("row_sums", RowSums.Sum<LanesOfWarp, Lane>),
        new("row_sums_packets", RowSums.Sum<LanesOfWarp, FourLanes>),
        new("row_sums_wide", RowSums.Sum<WholeBlock, Lane>),
        new("row_sums_wide_packets", RowSums.Sum<WholeBlock, FourLanes>),
    ];

    static readonly Kernel<SerialSumArguments>[] SerialKernels =
        [new("serial_sums", SerialSums.Sum<Lane>), new("serial_sums_packets", SerialSums.Sum<FourLanes>)];

    static readonly Kernel<ColumnArguments> ColumnKernel = new("column_sums", ColumnSums.Partial<PlainTerm>);
    static readonly Kernel<MaxArguments> MaxOfRows = new("max_of_rows", Maxima.Rows);
    static readonly Kernel<MaxArguments> MaxStage = new("max_stage", Maxima.Stage);
    static readonly Kernel<MaxBackwardArguments> MaxBackwardKernel = new("max_backward", Cuda.MaxBackward.Apply);

    /// <summary>Results that keep every thread of the device busy.</summary>
    long EnoughResults => (long)gpu.FullGrid * Threads;

    public void Sum(long outer, long middle, long inner, View x, View y, float scale = 1, bool accumulate = false)
    {
        if (outer * inner == 0) return;
        if (inner == 1 && (middle <= LongestRow || outer >= gpu.FullGrid) && middle <= int.MaxValue)
            SumRows(outer, (int)middle, x, y, scale, accumulate);
        else if (middle <= ShortAxis || outer * inner >= EnoughResults)
            SumSerially(outer, middle, inner, x, y, scale, accumulate);
        else if (middle <= AxisOfStage && x.Count <= NumbersOfStage)
            ColumnTotals.Launch(gpu, (int)outer, (int)middle, (int)inner, x, y, scale, accumulate);
        else
            SumColumns(checked((int)outer), middle, checked((int)inner), x, y, scale, accumulate);
    }

    void SumRows(long rows, int width, View x, View y, float scale, bool accumulate)
    {
        var plan = new RowPlan(width, x);
        Kernel<RowSumArguments> kernel = plan.Of(RowKernels);
        gpu.Launch(
            kernel,
            new RowSumArguments
            {
                Rows = rows,
                X = x.Address,
                Y = y.Address,
                Width = width,
                Vectors = plan.Vectors,
                Lanes = plan.Lanes,
                Accumulate = accumulate ? 1 : 0,
                Scale = scale,
            },
            plan.Blocks(gpu, kernel, rows));
    }

    void SumSerially(long outer, long middle, long inner, View x, View y, float scale, bool accumulate)
    {
        bool packed = inner % 4 == 0 && x.Address % 16 == 0 && y.Address % 16 == 0;
        long innerVectors = packed ? inner / 4 : inner;
        gpu.LaunchOver(
            SerialKernels[packed ? 1 : 0],
            new SerialSumArguments
            {
                X = x.Address,
                Y = y.Address,
                Outputs = outer * innerVectors,
                Middle = middle,
                InnerVectors = innerVectors,
                Accumulate = accumulate ? 1 : 0,
                Scale = scale,
            },
            outer * innerVectors);
    }

    void SumColumns(int outer, long middle, int inner, View x, View y, float scale, bool accumulate)
    {
        var tiling = new ColumnTiling(gpu, gpu.BlockSize(ColumnKernel), outer, middle, inner, x);
        DeviceBuffer partials = gpu.Pool.Rent((long)outer * tiling.Pieces * tiling.LineFloats * sizeof(float));
        gpu.Launch(
            ColumnKernel, new ColumnArguments { Tiling = tiling, X = x.Address, Partials = partials.Address },
            checked(outer * tiling.Pieces), tiling.Tiles);
        ColumnTotals.Launch(gpu, tiling, outer, partials, y, default, scale, accumulate, sums: 1);
        partials.Release();
    }

    public void Max(long outer, long middle, long inner, View x, View y, View index)
    {
        if (outer * inner == 0) return;
        var arguments = new MaxArguments { X = x.Address, Middle = middle, Inner = inner };
        DeviceBuffer? candidates = null;
        while (!IsLastStage(outer, arguments.Middle, inner))
        {
            long each = Math.Max(ShortAxis, outer * arguments.Middle * inner / EnoughResults);
            arguments.Chunks = checked((int)((arguments.Middle + each - 1) / each));
            arguments.Outputs = outer * arguments.Chunks * inner;
            DeviceBuffer winners = gpu.Pool.Rent(2 * arguments.Outputs * sizeof(float));
            arguments.Y = winners.Address;
            arguments.Index = winners.Address + (nint)(arguments.Outputs * sizeof(float));
            gpu.LaunchOver(MaxStage, arguments, arguments.Outputs);
            candidates?.Release();
            candidates = winners;
            (arguments.X, arguments.Candidates, arguments.Middle) = (arguments.Y, arguments.Index, arguments.Chunks);
        }
        (arguments.Y, arguments.Index) = (y.Address, index.Address);
        (arguments.Outputs, arguments.Chunks) = (outer * inner, 1);
        if (inner == 1)
        {
            arguments.Lanes = Lanes(arguments.Middle);
            gpu.LaunchOver(MaxOfRows, arguments, outer * arguments.Lanes);
        }
        else
        {
            gpu.LaunchOver(MaxStage, arguments, arguments.Outputs);
        }
        candidates?.Release();
    }

    bool IsLastStage(long outer, long middle, long inner) => inner == 1
        ? middle <= LongestRowOfLanes
        : middle <= ShortAxis || outer * inner >= EnoughResults;

    public void MaxBackward(long outer, long middle, long inner, View dy, View index, View dx)
    {
        var arguments = new MaxBackwardArguments
        {
            Dy = dy.Address,
            Index = index.Address,
            Dx = dx.Address,
            Rows = outer * middle,
            Middle = middle,
            Inner = inner,
            Lanes = Lanes(inner),
        };
        gpu.LaunchOver(MaxBackwardKernel, arguments, outer * middle * arguments.Lanes);
    }

    public void ArgMax(long outer, long middle, long inner, View x, View index) =>
        Max(outer, middle, inner, x, default, index);

    static int Lanes(long width) =>
        (int)Math.Min(BlockReduce.WarpSize, BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, width)));
}
