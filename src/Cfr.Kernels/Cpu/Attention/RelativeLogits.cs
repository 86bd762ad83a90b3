using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// The part of the logits that decomposed relative positions add. Both tables are kept reversed, one after the other,
/// as the rows of R: then for a query q at (y, x) and the products g = R q,
/// <code>
///   logit of key (y', x') = g[GridHeight - 1 - y + y'] + g[2 GridHeight - 1 + GridWidth - 1 - x + x']
/// </code>
/// reads g upwards in both directions. A tile of queries costs one small product with R, 2 (2 H + 2 W - 2) HeadWidth
/// FLOP per query instead of 2 H W HeadWidth for the logits themselves.
/// </summary>
sealed unsafe class RelativeLogits<V> where V : struct, IVector<V>
{
    readonly DeviceBuffer _buffer;
    readonly int _height, _width, _headWidth;

    /// <param name="shape">Its grid and head width.</param>
    /// <param name="positions">The two tables.</param>
    /// <param name="withRows">Also packs R as the right operand of g R, which the gradient of q needs.</param>
    /// <param name="pool">Lends the memory.</param>
    public RelativeLogits(AttentionShape shape, RelativePositions positions, bool withRows, BufferPool pool)
    {
        (_height, _width, _headWidth) = (shape.GridHeight, shape.GridWidth, shape.HeadWidth);
        int columns = Microkernel<V>.Columns;
        Entries = 2 * _height - 1 + 2 * _width - 1;
        PaddedEntries = AttentionTiling<V>.RoundUp(Entries, columns);
        int paddedWidth = AttentionTiling<V>.RoundUp(_headWidth, columns);
        long panels = (long)PaddedEntries * _headWidth, rowPanels = withRows ? (long)Entries * paddedWidth : 0;
        _buffer = pool.Rent((panels + rowPanels + (long)Entries * _headWidth) * sizeof(float));
        Panels = (float*)_buffer.Address;
        RowPanels = Panels + panels;

        float* reversed = RowPanels + rowPanels;
        Reverse(positions.Height.Floats, 2 * _height - 1, _headWidth, reversed);
        Reverse(positions.Width.Floats, 2 * _width - 1, _headWidth, reversed + (2 * _height - 1) * _headWidth);
        Cpu.Panels.PackAll(new Lines(reversed, _headWidth, 1), Entries, _headWidth, columns, Panels);
        if (withRows) Cpu.Panels.PackAll(new Lines(reversed, 1, _headWidth), _headWidth, Entries, columns, RowPanels);
    }

    /// <summary>Rows of R.</summary>
    public int Entries { get; }

    /// <summary>Length of a row of g in scratch memory.</summary>
    public int PaddedEntries { get; }

    /// <summary>R transposed, packed as a right operand with <c>HeadWidth</c> steps.</summary>
    public float* Panels { get; }

    /// <summary>R packed as a right operand with <see cref="Entries"/> steps.</summary>
    public float* RowPanels { get; }

    public void Release() => _buffer.Release();

    /// <summary>
    /// Writes the part of one query's logits for keys [firstKey, firstKey + keys). Up to a vector is written beyond
    /// them, so rows must be written in rising order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(float* g, int query, int firstKey, int keys, float* logits)
    {
        float* fromHeight = g + _height - 1 - query / _width;
        float* fromWidth = g + 2 * _height - 1 + _width - 1 - query % _width;
        int y = firstKey / _width, x = firstKey % _width;
        while (keys > 0)
        {
            int run = Math.Min(_width - x, keys);
            V height = V.Splat(fromHeight[y]);
            for (int j = 0; j < run; j += V.Width) (V.Load(fromWidth + x + j) + height).Store(logits + j);
            logits += run;
            keys -= run;
            x = 0;
            y++;
        }
    }

    /// <summary>The gradient of <see cref="Fill"/>: adds to that of g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddGradient(float* dLogits, int query, int firstKey, int keys, float* dg)
    {
        float* toHeight = dg + _height - 1 - query / _width;
        float* toWidth = dg + 2 * _height - 1 + _width - 1 - query % _width;
        int y = firstKey / _width, x = firstKey % _width;
        while (keys > 0)
        {
            int run = Math.Min(_width - x, keys), j = 0;
            V sums = V.Splat(0);
            for (; j + V.Width <= run; j += V.Width)
            {
                V d = V.Load(dLogits + j);
                sums += d;
                (V.Load(toWidth + x + j) + d).Store(toWidth + x + j);
            }
            float sum = V.Sum(sums);
            for (; j < run; j++)
            {
                sum += dLogits[j];
                toWidth[x + j] += dLogits[j];
            }
            toHeight[y] += sum;
            dLogits += run;
            keys -= run;
            x = 0;
            y++;
        }
    }

    /// <summary>Copies rows in reverse order.</summary>
    public static void Reverse(float* from, int rows, int width, float* to)
    {
        for (int row = 0; row < rows; row++)
            new ReadOnlySpan<float>(from + (long)(rows - 1 - row) * width, width)
                .CopyTo(new Span<float>(to + (long)row * width, width));
    }
}
