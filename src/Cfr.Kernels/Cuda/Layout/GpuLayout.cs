namespace Cfr.Kernels.Cuda;

/// <summary>
/// Copies that rearrange: by tiles where the axes that are contiguous in source and target differ, else row by row, in
/// packets of four where rows consist of them.
/// </summary>
sealed class GpuLayout(GpuDevice gpu) : ILayout
{
    /// <summary>Planes with a shorter side are copied row by row: most of a tile would be empty.</summary>
    const int ShortestSide = 8;

    static readonly Kernel<CopyArguments> CopyFloats = new("copy", CopyKernel.Run<Float1, Put>);
    static readonly Kernel<CopyArguments> CopyPackets = new("copy_packets", CopyKernel.Run<Float4, Put>);
    static readonly Kernel<CopyArguments> AddFloats = new("copy_add", CopyKernel.Run<Float1, Accumulate>);
    static readonly Kernel<CopyArguments> AddPackets = new("copy_add_packets", CopyKernel.Run<Float4, Accumulate>);
    static readonly Kernel<TransposeArguments> Transpose = new("transpose", TransposeKernel.Run<Put>);
    static readonly Kernel<TransposeArguments> TransposeAdd = new("transpose_add", TransposeKernel.Run<Accumulate>);
    static readonly Kernel<GatherArguments> GatherFloats = new("gather", GatherKernel.Run<Float1>);
    static readonly Kernel<GatherArguments> GatherPackets = new("gather_packets", GatherKernel.Run<Float4>);
    static readonly Kernel<ScatterAddArguments> ScatterFloats = new("scatter_add", ScatterAddKernel.Run<Float1>);
    static readonly Kernel<ScatterAddArguments> ScatterPackets =
        new("scatter_add_packets", ScatterAddKernel.Run<Float4>);

    /// <summary>Elements of one launch: their indices and strides have 31 bits.</summary>
    internal long MostElements { get; init; } = int.MaxValue;

    public void Copy(StridedCopy copy, View source, View target, bool accumulate = false)
    {
        if (copy.Count > 0) CopyInParts(copy.Simplified(), source.Address, target.Address, accumulate);
    }

    /// <summary>Halves the axis that reaches furthest until all indices fit.</summary>
    void CopyInParts(StridedCopy copy, nint source, nint target, bool accumulate)
    {
        int longest = 0;
        long reach = 0;
        for (int axis = 0; axis < copy.Rank; axis++)
        {
            long own = copy.Sizes[axis]
                * Math.Max(1, Math.Max(Math.Abs(copy.SourceStrides[axis]), Math.Abs(copy.TargetStrides[axis])));
            if (own > reach) (longest, reach) = (axis, own);
        }
        if (reach <= MostElements && copy.Count <= MostElements)
        {
            CopyBox(copy, source, target, accumulate);
            return;
        }
        Axes lower = copy.Sizes, upper = copy.Sizes;
        lower[longest] /= 2;
        upper[longest] -= lower[longest];
        CopyInParts((copy with { Sizes = lower }).Simplified(), source, target, accumulate);
        CopyInParts(
            (copy with { Sizes = upper }).Simplified(),
            source + (nint)(sizeof(float) * lower[longest] * copy.SourceStrides[longest]),
            target + (nint)(sizeof(float) * lower[longest] * copy.TargetStrides[longest]), accumulate);
    }

    void CopyBox(StridedCopy copy, nint source, nint target, bool accumulate)
    {
        int column = copy.Rank - 1;
        int row = RowsOfTransposition(copy);
        if (row >= 0)
        {
            int columns = (int)copy.Sizes[column], rows = (int)copy.Sizes[row];
            var (columnTiles, rowTiles) = (TilesOf(columns), TilesOf(rows));
            var transpose = new TransposeArguments
            {
                Source = source,
                Target = target,
                Columns = columns,
                Rows = rows,
                Tiles = checked((int)(copy.Count / columns / rows * columnTiles * rowTiles)),
                ColumnTiles = new Divisor(columnTiles),
                RowTiles = new Divisor(rowTiles),
                ColumnSource = (int)copy.SourceStrides[column],
                RowTarget = (int)copy.TargetStrides[row],
                Axes = AxesAround(copy, 1, row, column),
            };
            gpu.Launch(accumulate ? TransposeAdd : Transpose, transpose, Math.Min(transpose.Tiles, gpu.FullGrid));
            return;
        }
        bool packets = ConsistsOfPackets(copy, source, target);
        int floats = packets ? 4 : 1;
        var arguments = new CopyArguments { Source = source, Target = target, Axes = AxesAround(copy, floats, column) };
        if (copy.Rank > 0)
        {
            arguments.Rows = new RowPieces(
                copy.Count / copy.Sizes[column], (int)copy.Sizes[column] / floats);
            arguments.ColumnSource = (int)copy.SourceStrides[column];
            arguments.ColumnTarget = (int)copy.TargetStrides[column];
        }
        else
            arguments.Rows = new RowPieces(1, 1);
        Kernel<CopyArguments> kernel = accumulate
            ? packets ? AddPackets : AddFloats
            : packets ? CopyPackets : CopyFloats;
        gpu.LaunchOver(kernel, arguments, arguments.Rows.Threads);
    }

    public void Gather(long rows, int width, View table, View index, View y)
    {
        if (y.Count == 0) return;
        bool packets = width % 4 == 0 && Packets.Of(y.Count, table, y) > 0;
        var arguments = new GatherArguments
        {
            Table = table.Address,
            Index = index.Address,
            Y = y.Address,
            Fault = gpu.Fault.Address,
            Rows = new RowPieces(rows, packets ? width / 4 : width),
            TableRows = (int)Math.Min(table.Count / width, int.MaxValue),
        };
        gpu.LaunchOver(packets ? GatherPackets : GatherFloats, arguments, arguments.Rows.Threads);
    }

    public void ScatterAdd(long rows, int width, long tableRows, View dy, View index, View dTable)
    {
        if (dTable.Count == 0) return;
        bool packets = width % 4 == 0 && Packets.Of(dTable.Count, dy, dTable) > 0;
        int columns = packets ? width / 4 : width, runs = (columns + ScatterAddKernel.Lanes - 1) / ScatterAddKernel.Lanes;
        var arguments = new ScatterAddArguments
        {
            Dy = dy.Address,
            Index = index.Address,
            Table = dTable.Address,
            Rows = checked((int)rows),
            TableRows = checked((int)tableRows),
            Columns = columns,
            Runs = new Divisor(runs),
        };
        gpu.LaunchOver(
            packets ? ScatterPackets : ScatterFloats, arguments, checked((int)tableRows * runs) * (long)ScatterAddKernel.Lanes);
    }

    /// <summary>
    /// The axis along which the source is contiguous, where the target is contiguous along the last one and both are
    /// long enough for tiles; -1 where the copy is no transposition.
    /// </summary>
    static int RowsOfTransposition(StridedCopy copy)
    {
        int column = copy.Rank - 1;
        if (copy.Rank < 2 || copy.TargetStrides[column] != 1 || copy.Sizes[column] < ShortestSide) return -1;
        for (int axis = 0; axis < column; axis++)
            if (copy.SourceStrides[axis] == 1 && copy.Sizes[axis] >= ShortestSide && copy.SourceStrides[column] != 1)
                return axis;
        return -1;
    }

    static bool ConsistsOfPackets(StridedCopy copy, nint source, nint target)
    {
        int column = copy.Rank - 1;
        if (copy.Rank == 0 || copy.SourceStrides[column] != 1 || copy.TargetStrides[column] != 1) return false;
        long odd = source / sizeof(float) | target / sizeof(float) | copy.Sizes[column];
        for (int axis = 0; axis < column; axis++) odd |= copy.SourceStrides[axis] | copy.TargetStrides[axis];
        return odd % 4 == 0;
    }

    /// <summary>The axes but those given, innermost first, strides in packets.</summary>
    static CopyAxes AxesAround(StridedCopy copy, int floats, params ReadOnlySpan<int> without)
    {
        Span<CopyAxis> axes = stackalloc CopyAxis[Axes.Length];
        int rank = 0;
        for (int axis = copy.Rank - 1; axis >= 0; axis--)
        {
            if (without.Contains(axis)) continue;
            axes[rank++] = new CopyAxis
            {
                Size = new Divisor((int)copy.Sizes[axis]),
                Source = (int)(copy.SourceStrides[axis] / floats),
                Target = (int)(copy.TargetStrides[axis] / floats),
            };
        }
        return new CopyAxes
        {
            Rank = rank,
            Axis0 = axes[0],
            Axis1 = axes[1],
            Axis2 = axes[2],
            Axis3 = axes[3],
            Axis4 = axes[4],
            Axis5 = axes[5],
            Axis6 = axes[6],
        };
    }

    static int TilesOf(int size) => (size + TransposeKernel.Tile - 1) / TransposeKernel.Tile;
}
