namespace Cfr.Pipeline.Images;

/// <summary>
/// Bilinear resizing with antialiasing (<see cref="TriangleTaps"/>), rows first, then columns: in float as PyTorch's
/// antialias=True, in 8 bits bit for bit as Pillow's BILINEAR, on which SAM was trained.
/// </summary>
public static class AntialiasedResize
{
    /// <summary>Bits after the point of a weight in the 8-bit form.</summary>
    const int Precision = 22;

    /// <summary>A picture of another size. An axis that keeps its size is not touched.</summary>
    public static RgbImage Resize(RgbImage image, int height, int width)
    {
        byte[] pixels = image.Pixels;
        if (width != image.Width) pixels = Lines(pixels, image.Height, image.Width, width, 3);
        if (height != image.Height) pixels = Lines(pixels, 1, image.Height, height, 3 * width);
        return new RgbImage(height, width, pixels == image.Pixels ? [.. pixels] : pixels);
    }

    /// <summary>Values [H, W, channels] of another size.</summary>
    public static float[] Resize(float[] values, (int Height, int Width) from, (int Height, int Width) to, int channels)
    {
        if (values.Length != from.Height * from.Width * channels)
            throw new ArgumentException($"{values.Length} values for {from.Height} x {from.Width} x {channels}");
        if (to.Width != from.Width) values = Lines(values, from.Height, from.Width, to.Width, channels);
        return to.Height != from.Height ? Lines(values, 1, from.Height, to.Height, channels * to.Width) : values;
    }

    /// <summary>[outer, from, inner] -> [outer, to, inner]</summary>
    static float[] Lines(float[] values, int outer, int from, int to, int inner)
    {
        var taps = new TriangleTaps(from, to);
        float[] result = new float[outer * to * inner];
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < to; i++)
            {
                int source = (o * from + taps.First(i)) * inner, target = (o * to + i) * inner;
                ReadOnlySpan<double> weights = taps.Weights(i);
                for (int k = 0; k < inner; k++)
                {
                    double sum = 0;
                    for (int j = 0; j < weights.Length; j++) sum += weights[j] * values[source + j * inner + k];
                    result[target + k] = (float)sum;
                }
            }
        return result;
    }

    /// <summary>The same with weights in fixed point, each result rounded to 8 bits.</summary>
    static byte[] Lines(byte[] values, int outer, int from, int to, int inner)
    {
        var taps = new TriangleTaps(from, to);
        int[][] fixedWeights =
        [
            .. Enumerable.Range(0, to)
                .Select(i => Array.ConvertAll(taps.Weights(i).ToArray(), w => (int)(w * (1 << Precision) + 0.5))),
        ];
        byte[] result = new byte[outer * to * inner];
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < to; i++)
            {
                int source = (o * from + taps.First(i)) * inner, target = (o * to + i) * inner;
                int[] weights = fixedWeights[i];
                for (int k = 0; k < inner; k++)
                {
                    int sum = 1 << (Precision - 1);
                    for (int j = 0; j < weights.Length; j++) sum += weights[j] * values[source + j * inner + k];
                    result[target + k] = (byte)Math.Clamp(sum >> Precision, 0, byte.MaxValue);
                }
            }
        return result;
    }
}
