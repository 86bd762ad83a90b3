using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Where a product goes: one matrix C of a batch with its epilogue. What a tile's sums still need is done as soon as
/// they are complete, while the tile is in L1: <c>C = act(C + bias) + residual</c>.
/// </summary>
readonly unsafe struct Destination(Matrix c, Epilogue epilogue, long batch)
{
    readonly float* _c = c.Data.Floats + batch * c.BatchStride;
    readonly float* _bias = epilogue.Bias.Floats;
    readonly float* _preActivation = Shifted(epilogue.PreActivation, batch * c.BatchStride);
    readonly float* _residual = Shifted(epilogue.Residual, batch * c.BatchStride);

    public readonly long RowStride = c.RowStride;

    /// <summary>C is added to.</summary>
    public readonly bool Accumulate = epilogue.Accumulate;

    /// <summary>What is left to do when the sums are complete; a product that adds has added them by then.</summary>
    readonly int _form = epilogue.Accumulate ? EpilogueForm.Plain : EpilogueForm.Of(epilogue);

    public float* At(long row, long column) => _c + row * RowStride + column;

    /// <summary>Finishes a part of C whose sums are complete.</summary>
    public void Finish<V>(long row, long column, int rows, int columns) where V : struct, IVector<V>
    {
        if (_form == EpilogueForm.Plain) return;
        EpilogueForm.Run<Part<V>, Part<V>>(
            _form, new Part<V> { C = this, Row = row, Column = column, Rows = rows, Columns = columns });
    }

    /// <summary>
    /// Writes a tile that the micro-kernel left in scratch memory, because it hangs over the edge of C.
    /// </summary>
    public void Write(float* tile, int tileRow, long row, long column, int rows, int columns, bool add)
    {
        for (int r = 0; r < rows; r++)
        {
            float* from = tile + r * tileRow, to = At(row + r, column);
            for (int j = 0; j < columns; j++) to[j] = add ? to[j] + from[j] : from[j];
        }
    }

    /// <summary>Writes columns of C that were computed as rows.</summary>
    public void WriteTurned(float* tile, int tileRow, long row, int rows, int columns, bool add)
    {
        for (int r = 0; r < rows; r++)
        {
            float* from = tile + r, to = At(row + r, 0);
            for (int j = 0; j < columns; j++) to[j] = add ? to[j] + from[j * tileRow] : from[j * tileRow];
        }
    }

    struct Part<V> : IEpilogueLoop<Part<V>> where V : struct, IVector<V>
    {
        public Destination C;
        public long Row, Column;
        public int Rows, Columns;

        public static void Run<TEpilogue>(Part<V> part) where TEpilogue : struct, IEpilogue
        {
            int whole = part.Columns / V.Width * V.Width;
            for (int r = 0; r < part.Rows; r++)
            {
                long at = (part.Row + r) * part.C.RowStride + part.Column;
                part.C.FinishRow<V, TEpilogue>(at, part.Column, 0, whole);
                part.C.FinishRow<Lanes1, TEpilogue>(at, part.Column, whole, part.Columns);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void FinishRow<V, TEpilogue>(long at, long column, int from, int to)
        where V : struct, IVector<V> where TEpilogue : struct, IEpilogue
    {
        for (int j = from; j < to; j += V.Width)
        {
            V x = V.Load(_c + at + j);
            if (TEpilogue.HasBias && _bias != null) x += V.Load(_bias + column + j);
            if (TEpilogue.KeepsPreActivation) x.Store(_preActivation + at + j);
            x = TEpilogue.Activate(x);
            if (TEpilogue.HasResidual) x += V.Load(_residual + at + j);
            x.Store(_c + at + j);
        }
    }

    static float* Shifted(View view, long by) => view.IsNone ? null : view.Floats + by;
}
