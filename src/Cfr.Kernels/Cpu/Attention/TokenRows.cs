namespace Cfr.Kernels.Cpu;

/// <summary>Copies between the tokens of one head and padded scratch memory.</summary>
static unsafe class TokenRows
{
    /// <summary>Address of token 0, component 0 of a head.</summary>
    public static float* Of(Tokens tokens, AttentionShape shape, int head) => tokens.Data.Floats
        + head / shape.Heads * tokens.BatchStride + (long)(head % shape.Heads) * shape.HeadWidth;

    /// <summary>
    /// Copies <paramref name="count"/> rows of <paramref name="width"/>; the rest of the padded tile becomes zero.
    /// </summary>
    public static void Load(
        float* from, long fromRow, int count, int width, float* tile, int paddedCount, int paddedWidth)
    {
        for (int row = 0; row < count; row++)
        {
            var target = new Span<float>(tile + (long)row * paddedWidth, paddedWidth);
            new ReadOnlySpan<float>(from + row * fromRow, width).CopyTo(target);
            target[width..].Clear();
        }
        new Span<float>(tile + (long)count * paddedWidth, (paddedCount - count) * paddedWidth).Clear();
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
