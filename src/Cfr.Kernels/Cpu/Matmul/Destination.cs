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
    readonly Activation _activation = epilogue.Activation;

    public readonly long RowStride = c.RowStride;

    /// <summary>C is added to.</summary>
    public readonly bool Accumulate = epilogue.Accumulate;

    readonly bool _isPlain = epilogue.Bias.IsNone && epilogue.PreActivation.IsNone && epilogue.Residual.IsNone
        && epilogue.Activation == Activation.None;

    public float* At(long row, long column) => _c + row * RowStride + column;

    /// <summary>Finishes a part of C whose sums are complete.</summary>
    public void Finish<V>(long row, long column, int rows, int columns) where V : struct, IVector<V>
    {
        if (_isPlain) return;
        switch (_activation)
        {
            case Activation.Relu: Finish<V, Relu>(row, column, rows, columns); break;
            case Activation.Gelu: Finish<V, Gelu>(row, column, rows, columns); break;
            default: Finish<V, NoActivation>(row, column, rows, columns); break;
        }
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

    void Finish<V, TActivation>(long row, long column, int rows, int columns)
        where V : struct, IVector<V> where TActivation : struct, IActivation
    {
        int whole = columns / V.Width * V.Width;
        for (int r = 0; r < rows; r++)
        {
            long at = (row + r) * RowStride + column;
            FinishRow<V, TActivation>(at, column, 0, whole);
            FinishRow<Lanes1, TActivation>(at, column, whole, columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void FinishRow<V, TActivation>(long at, long column, int from, int to)
        where V : struct, IVector<V> where TActivation : struct, IActivation
    {
        for (int j = from; j < to; j += V.Width)
        {
            V x = V.Load(_c + at + j);
            if (_bias != null) x += V.Load(_bias + column + j);
            if (_preActivation != null) x.Store(_preActivation + at + j);
            x = TActivation.Apply(x);
            if (_residual != null) x += V.Load(_residual + at + j);
            x.Store(_c + at + j);
        }
    }

    static float* Shifted(View view, long by) => view.IsNone ? null : view.Floats + by;
}
