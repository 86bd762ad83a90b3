using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>What happens to a drawing as a whole: blur, uneven light, noise; then mean 0 and deviation 1.</summary>
static class Finish
{
    public static void Apply(Canvas canvas, RandomNumbers random, bool isGrey)
    {
        int passes = random.Below(4);
        for (int pass = 0; pass < passes; pass++) Blur(canvas);
        var light = random.Uniform() < 0.5f
            ? Waves.Draw(random, canvas.Size, 3 * canvas.Size, random.Uniform(0.05f, 0.25f)) : null;
        float noise = random.Uniform() < 0.75f ? random.Uniform(0, 0.07f) : 0;
        float[] grains = new float[canvas.Pixels.Length / (isGrey ? Canvas.Channels : 1)];
        random.Normal(grains, noise);
        for (int y = 0; y < canvas.Size; y++)
            for (int x = 0; x < canvas.Size; x++)
            {
                int pixel = y * canvas.Size + x;
                float factor = light is null ? 1 : MathF.Exp(light.At(x, y));
                for (int i = pixel * Canvas.Channels; i < (pixel + 1) * Canvas.Channels; i++)
                    canvas.Pixels[i] = factor * canvas.Pixels[i] + grains[isGrey ? pixel : i];
            }
        Standardize(canvas.Pixels);
    }

    /// <summary>(1, 2, 1) / 4 along both axes, edges repeated.</summary>
    static void Blur(Canvas canvas)
    {
        int row = canvas.Size * Canvas.Channels;
        float[] pixels = canvas.Pixels, between = new float[pixels.Length];
        Along(pixels, between, Canvas.Channels, row);
        Along(between, pixels, row, pixels.Length);

        // Neighbours are `step` apart, lines `line` numbers long.
        static void Along(float[] from, float[] to, int step, int line)
        {
            for (int i = 0; i < from.Length; i++)
            {
                int at = i % line;
                float before = at < step ? from[i] : from[i - step], after = at >= line - step ? from[i] : from[i + step];
                to[i] = 0.5f * from[i] + 0.25f * (before + after);
            }
        }
    }

    /// <summary>To mean 0 and deviation 1.</summary>
    public static void Standardize(float[] pixels)
    {
        double sum = 0, squares = 0;
        foreach (float pixel in pixels)
        {
            sum += pixel;
            squares += (double)pixel * pixel;
        }
        double mean = sum / pixels.Length, deviation = Math.Sqrt(Math.Max(squares / pixels.Length - mean * mean, 1e-12));
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (float)((pixels[i] - mean) / deviation);
    }
}
