using Cfr.Tensors;

namespace Cfr.Pipeline.Images;

/// <summary>Between pictures and what SAM computes with.</summary>
public static class SamImage
{
    /// <summary>Mean of red, green and blue in 0 to 255 over the pictures that SAM was trained on.</summary>
    static readonly float[] Mean = [123.675f, 116.28f, 103.53f];

    static readonly float[] Deviation = [58.395f, 57.12f, 57.375f];

    /// <summary>
    /// A picture scaled to the side along its longer axis, normalised and padded: [1, side, side, 3].
    /// </summary>
    public static Tensor Prepare(Session session, RgbImage image, int side)
    {
        RgbImage scaled = new LongestSide(image.Height, image.Width, side).Apply(image);
        return Normalize(session, Array.ConvertAll(scaled.Pixels, value => (float)value), scaled.Height, scaled.Width, side);
    }

    /// <summary>
    /// Pixels [H, W, 3] in 0 to 255, of H and W up to the side: less the mean, over the deviation, then filled up with
    /// 0 below and to the right. -> [1, side, side, 3]
    /// </summary>
    public static Tensor Normalize(Session session, ReadOnlySpan<float> pixels, int height, int width, int side)
    {
        if (pixels.Length != height * width * 3 || height > side || width > side)
            throw new ArgumentException(
                $"{pixels.Length} values of {height} x {width} pixels; expected 3 a pixel and at most {side} x {side}");
        float[] square = new float[side * side * 3];
        for (int row = 0; row < height; row++)
            for (int i = 0; i < width * 3; i++)
                square[row * side * 3 + i] = (pixels[row * width * 3 + i] - Mean[i % 3]) / Deviation[i % 3];
        return session.Tensor(square, [1, side, side, 3]);
    }

    /// <summary>
    /// Logits [N, h, w, masks] of a prepared picture at the picture's own size: [N, height, width, masks].
    /// </summary>
    public static Tensor Restore(Tensor logits, LongestSide frame) =>
        Restore(logits, frame.Side, (frame.ScaledHeight, frame.ScaledWidth), (frame.Height, frame.Width));

    /// <summary>Bilinearly to the square, without the padding, and bilinearly to the picture.</summary>
    internal static Tensor Restore(Tensor logits, int side, (int Height, int Width) scaled, (int Height, int Width) picture)
    {
        using Scope scope = logits.Session.Scope();
        Tensor square = logits.Resize([side, side]);
        Tensor inside = square.Slice(1, 0, scaled.Height).Slice(2, 0, scaled.Width);
        return scope.Return(inside.Resize([picture.Height, picture.Width]));
    }
}
