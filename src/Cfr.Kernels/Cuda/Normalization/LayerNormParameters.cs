using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// dy n and dy, which are summed over rows for the gradients of a layer norm's weight and bias. A line of the tiling
/// may hold several rows; _row0 ... _row3 say to which of them a thread's columns belong.
/// </summary>
unsafe struct LayerNormTerm : IColumnTerm<LayerNormTerm>
{
    long _mean, _inverseDeviation, _lines;
    int _rowsOfLine, _rowsOfTail, _row0, _row1, _row2, _row3;

    public static int Sums => 2;

    public static bool ReadsDy => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Dy(ColumnArguments a, ColumnThread thread, int packed, long offset, long line) =>
        StoredGradient.Load(a, thread, packed, offset, line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LayerNormTerm Of(ColumnArguments a, ColumnThread thread)
    {
        int width = a.Tiling.Channels, column = 4 * thread.Column;
        LayerNormTerm term = default;
        term._mean = a.Mean;
        term._inverseDeviation = a.Variance;
        term._rowsOfLine = a.Tiling.Repeats;
        term._lines = a.Tiling.Lines;
        term._rowsOfTail = Ptx.Hold(a.Tiling.TailFloats / width);
        term._row0 = Ptx.Hold(column / width);
        term._row1 = Ptx.Hold((column + 1) / width);
        term._row2 = Ptx.Hold((column + 2) / width);
        term._row3 = Ptx.Hold((column + 3) / width);
        return term;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line)
    {
        // The last line may lack its last rows.
        int last = (line < _lines ? _rowsOfLine : _rowsOfTail) - 1;
        long offset = line * _rowsOfLine * sizeof(float);
        FourLanes normal = (x - Gather(_mean + offset, last)) * Gather(_inverseDeviation + offset, last);
        return new(FourLanes.MultiplyAdd(dy, normal, sums.First), sums.Second + dy);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Result(ColumnPair sums, FourLanes count) => sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    FourLanes Gather(long table, int last)
    {
        float* values = (float*)table;
        return new(
            new(values[Ptx.Min(_row0, last)]), new(values[Ptx.Min(_row1, last)]), new(values[Ptx.Min(_row2, last)]),
            new(values[Ptx.Min(_row3, last)]));
    }
}
