namespace Cfr.Kernels.Cpu;

/// <summary>
/// A simplified strided copy as planes of rows and columns. Columns are the axis of the smallest target stride; rows the
/// next one or, for a transposition, the axis along which the source is contiguous.
/// </summary>
readonly unsafe struct BoxPlan
{
    const long ElementsPerPiece = 1 << 14;
    const long TransposedRows = 64;

    readonly int _outerAxes;
    readonly Axes _sizes, _sourceStrides, _targetStrides;
    readonly long _planes;

    public BoxPlan(StridedCopy copy)
    {
        var (rank, size, source, target) = copy.Simplified();
        Column = rank > 0 ? new Axis(size[rank - 1], source[rank - 1], target[rank - 1]) : new Axis(1, 1, 1);
        if (Column is { Source: not 1, Target: 1 })
            for (int axis = 0; axis < rank - 2; axis++)
                if (source[axis] == 1)
                    Exchange(axis, rank - 2);
        Row = rank > 1 ? new Axis(size[rank - 2], source[rank - 2], target[rank - 2]) : new Axis(1, 0, 0);

        _outerAxes = Math.Max(0, rank - 2);
        (_sizes, _sourceStrides, _targetStrides) = (size, source, target);
        _planes = 1;
        for (int axis = 0; axis < _outerAxes; axis++) _planes *= size[axis];

        ColumnsPerPiece = Math.Max(1,
            Math.Min(Column.Size, IsTransposition ? ElementsPerPiece / TransposedRows : ElementsPerPiece));
        RowsPerPiece = Math.Max(1, Math.Min(Row.Size, ElementsPerPiece / ColumnsPerPiece));

        void Exchange(int i, int j)
        {
            (size[i], size[j]) = (size[j], size[i]);
            (source[i], source[j]) = (source[j], source[i]);
            (target[i], target[j]) = (target[j], target[i]);
        }
    }

    /// <summary>Size and strides of an axis.</summary>
    public readonly record struct Axis(long Size, long Source, long Target);

    /// <summary>The part of a plane that is copied at once, by the addresses of its first element.</summary>
    public readonly record struct Block(long Source, long Target, long Rows, long Columns);

    public Axis Row { get; }

    public Axis Column { get; }

    public long RowsPerPiece { get; }

    public long ColumnsPerPiece { get; }

    public bool IsTransposition => Column is { Source: not 1, Target: 1 } && Row.Source == 1;

    public long Blocks => _planes * BlocksOfRows * BlocksOfColumns;

    /// <summary>Blocks a thread takes at a time.</summary>
    public long Grain => Math.Max(1, ElementsPerPiece / (RowsPerPiece * ColumnsPerPiece));

    long BlocksOfRows => (Row.Size + RowsPerPiece - 1) / RowsPerPiece;

    long BlocksOfColumns => (Column.Size + ColumnsPerPiece - 1) / ColumnsPerPiece;

    public Block this[long index]
    {
        get
        {
            long column = index % BlocksOfColumns * ColumnsPerPiece,
                row = index / BlocksOfColumns % BlocksOfRows * RowsPerPiece;
            long source = row * Row.Source + column * Column.Source, target = row * Row.Target + column * Column.Target;
            long plane = index / BlocksOfColumns / BlocksOfRows;
            for (int axis = _outerAxes - 1; axis >= 0; axis--)
            {
                (plane, long i) = Math.DivRem(plane, _sizes[axis]);
                source += i * _sourceStrides[axis];
                target += i * _targetStrides[axis];
            }
            return new Block(source, target, Math.Min(RowsPerPiece, Row.Size - row),
                Math.Min(ColumnsPerPiece, Column.Size - column));
        }
    }
}
