using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Attention in windows, first rung: the windows are cut out, with what is outside the image in its place,
/// <see cref="AttentionNaive"/> does each, and what is inside goes back. Images are dense, [Images, Height, Width,
/// Heads HeadWidth]; absent operands are empty spans.
/// </summary>
static class WindowAttentionNaive
{
    public static void Forward<T>(
        AttentionShape shape, ReadOnlySpan<T> q, ReadOnlySpan<T> k, ReadOnlySpan<T> v, ReadOnlySpan<T> outsideK,
        ReadOnlySpan<T> outsideV, ReadOnlySpan<T> height, ReadOnlySpan<T> width, Span<T> y, Span<T> logSumExp)
        where T : IFloatingPointIeee754<T>
    {
        Tokens rows = Rows(shape);
        var windows = new T[shape.Batch * rows.BatchStride];
        AttentionNaive.Forward(
            shape with { Image = default }, rows, Cut(shape, q, []), rows, Cut(shape, k, outsideK), rows,
            Cut(shape, v, outsideV), height, width, rows, windows, logSumExp);
        Join(shape, windows, y, []);
    }

    /// <summary>Gradients, also of what is outside; those of the tables where the tables' are given.</summary>
    public static void Backward<T>(
        AttentionShape shape, ReadOnlySpan<T> q, ReadOnlySpan<T> k, ReadOnlySpan<T> v, ReadOnlySpan<T> outsideK,
        ReadOnlySpan<T> outsideV, ReadOnlySpan<T> height, ReadOnlySpan<T> width, ReadOnlySpan<T> dy, Span<T> dq,
        Span<T> dk, Span<T> dv, Span<T> dOutsideK, Span<T> dOutsideV, Span<T> dHeight, Span<T> dWidth)
        where T : IFloatingPointIeee754<T>
    {
        Tokens rows = Rows(shape);
        T[] ofQ = new T[shape.Batch * rows.BatchStride], ofK = new T[ofQ.Length], ofV = new T[ofQ.Length];
        AttentionNaive.Backward<T>(
            shape with { Image = default }, rows, Cut(shape, q, []), rows, Cut(shape, k, outsideK), rows,
            Cut(shape, v, outsideV), height, width, rows, Cut(shape, dy, []), rows, ofQ, rows, ofK, rows, ofV, dHeight,
            dWidth);
        Join(shape, ofQ, dq, []);
        Join(shape, ofK, dk, dOutsideK);
        Join(shape, ofV, dv, dOutsideV);
    }

    static Tokens Rows(AttentionShape shape) =>
        new(default, shape.Heads * shape.HeadWidth, (long)shape.Keys * shape.Heads * shape.HeadWidth);

    /// <summary>[Windows, Keys, E] of images; what is outside is given, or 0.</summary>
    static T[] Cut<T>(AttentionShape shape, ReadOnlySpan<T> images, ReadOnlySpan<T> outside)
    {
        int channels = shape.Heads * shape.HeadWidth;
        var windows = new T[shape.Batch * shape.Keys * channels];
        for (int token = 0; token < shape.Batch * shape.Keys; token++)
        {
            int place = Place(shape, token);
            if (place < 0 && outside.IsEmpty) continue;
            (place < 0 ? outside : images.Slice(place * channels, channels)).CopyTo(windows.AsSpan(token * channels));
        }
        return windows;
    }

    /// <summary>The inverse; what is outside is summed up where that is wanted.</summary>
    static void Join<T>(AttentionShape shape, ReadOnlySpan<T> windows, Span<T> images, Span<T> outside)
        where T : IFloatingPointIeee754<T>
    {
        int channels = shape.Heads * shape.HeadWidth;
        outside.Clear();
        for (int token = 0; token < shape.Batch * shape.Keys; token++)
        {
            int place = Place(shape, token);
            ReadOnlySpan<T> row = windows.Slice(token * channels, channels);
            if (place >= 0)
                row.CopyTo(images[(place * channels)..]);
            else
                for (int c = 0; c < outside.Length; c++) outside[c] += row[c];
        }
    }

    /// <summary>Where a token of all windows lies in the images; -1 outside.</summary>
    static int Place(AttentionShape shape, int token)
    {
        int window = token / shape.Keys, across = window % shape.WindowsAcross;
        int down = window / shape.WindowsAcross % shape.WindowsDown;
        int image = window / shape.WindowsAcross / shape.WindowsDown;
        int y = down * shape.GridHeight + token % shape.Keys / shape.GridWidth;
        int x = across * shape.GridWidth + token % shape.GridWidth;
        return y < shape.Image.Height && x < shape.Image.Width
            ? (image * shape.Image.Height + y) * shape.Image.Width + x
            : -1;
    }
}
