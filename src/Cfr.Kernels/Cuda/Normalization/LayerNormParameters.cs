using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// dy n and dy, which are summed over rows for the gradients of a layer norm's weight and bias. A line of the tiling
/// may hold several rows; _row0 ... _row3 say to which of them a thread's columns belong.
/// </summary>
unsafe struct LayerNormTerm : IColumnTerm<LayerNormTerm>
{
    long _mean, _inverseDeviation, _lastRow;
    int _rowsOfLine, _row0, _row1, _row2, _row3;

    public static int Sums => 2;

    public static bool ReadsDy => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LayerNormTerm Of(ColumnArguments a, ColumnThread thread)
    {
        int width = a.Tiling.Channels, column = 4 * thread.Column;
        LayerNormTerm term = default;
        term._mean = a.Mean;
        term._inverseDeviation = a.Variance;
        term._rowsOfLine = a.Tiling.Repeats;
        term._lastRow = a.Tiling.SampleFloats / width - 1;
        term._row0 = column / width;
        term._row1 = (column + 1) / width;
        term._row2 = (column + 2) / width;
        term._row3 = (column + 3) / width;
        return term;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line)
    {
        long row = line * _rowsOfLine;
        FourLanes normal = (x - Gather(_mean, row)) * Gather(_inverseDeviation, row);
        return new(FourLanes.MultiplyAdd(dy, normal, sums.First), sums.Second + dy);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Result(ColumnPair sums, FourLanes count) => sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    FourLanes Gather(long table, long row) =>
        new(Of(table, row + _row0), Of(table, row + _row1), Of(table, row + _row2), Of(table, row + _row3));

    /// <summary>The last line may lack its last rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Lane Of(long table, long row) => new(((float*)table)[row < _lastRow ? row : _lastRow]);
}
