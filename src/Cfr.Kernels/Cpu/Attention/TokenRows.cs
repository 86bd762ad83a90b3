namespace Cfr.Kernels.Cpu;

/// <summary>The tokens of one head, by their number in the batch entry.</summary>
readonly unsafe struct TokenRows
{
    readonly float* _first, _outside;
    readonly long _stride;
    readonly bool _isScattered;

    public TokenRows(Tokens tokens, AttentionShape shape, int head)
    {
        int batch = head / shape.Heads;
        long ofHead = (long)(head % shape.Heads) * shape.HeadWidth;
        Window = new TokenWindow(shape, batch);
        _first = tokens.Data.Floats + Window.Image * tokens.BatchStride + ofHead;
        _outside = tokens.Outside.IsNone ? null : tokens.Outside.Floats + ofHead;
        _stride = tokens.RowStride;
        _isScattered = shape.IsWindowed;
    }

    public TokenWindow Window { get; }

    /// <summary>A token's row; outside the image that of all such tokens, or null.</summary>
    public float* this[int token]
    {
        get
        {
            int place = Window.Place(token);
            return place < 0 ? _outside : _first + place * _stride;
        }
    }

    /// <summary>
    /// All rows as lines, <paramref name="width"/> long: where they are, or, from a window, copied to scratch memory.
    /// </summary>
    public Lines Lines(int count, int width, float* scratch)
    {
        if (!_isScattered) return new Lines(_first, _stride, 1);
        for (int token = 0; token < count; token++) CopyRow(this[token], width, scratch + (long)token * width, width);
        return new Lines(scratch, width, 1);
    }

    /// <summary>
    /// Copies tokens inside, the first of which is number <paramref name="first"/> of them, to the rows of a tile; the
    /// rest of the tile becomes zero.
    /// </summary>
    public void Load(int first, int count, int width, float* tile, int paddedCount, int paddedWidth)
    {
        for (int row = 0; row < count; row++)
            CopyRow(this[Window.Token(first + row)], width, tile + (long)row * paddedWidth, paddedWidth);
        new Span<float>(tile + (long)count * paddedWidth, (paddedCount - count) * paddedWidth).Clear();
    }

    static void CopyRow(float* from, int width, float* to, int paddedWidth)
    {
        var target = new Span<float>(to, paddedWidth);
        if (from is null) width = 0;
        new ReadOnlySpan<float>(from, width).CopyTo(target);
        target[width..].Clear();
    }

    /// <summary>Writes a row, times a factor.</summary>
    public static void StoreScaled<V>(float* row, float factor, int width, float* to) where V : struct, IVector<V>
    {
        int j = 0;
        for (; j + V.Width <= width; j += V.Width) (V.Load(row + j) * V.Splat(factor)).Store(to + j);
        for (; j < width; j++) to[j] = row[j] * factor;
    }

    /// <summary>Multiplies packed panels in place; their length is a multiple of the vector width.</summary>
    public static void Scale<V>(float* panels, long count, float factor) where V : struct, IVector<V>
    {
        for (long i = 0; i < count; i += V.Width) (V.Load(panels + i) * V.Splat(factor)).Store(panels + i);
    }
}
