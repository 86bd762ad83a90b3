namespace Cfr.Pipeline.Pretraining;

/// <summary>A rectangle of pixels.</summary>
readonly record struct Region(int Left, int Top, int Width, int Height);

/// <summary>Pixels while they are drawn, and for each the object that is on top.</summary>
sealed class Canvas
{
    readonly List<int> _parents = [], _drawn = [];

    public Canvas(int size)
    {
        Size = size;
        Pixels = new float[size * size * Channels];
        Owners = new short[size * size];
        Array.Fill(Owners, Drawing.Nobody);
        Array.Fill(Pixels, 0.5f);
    }

    public const int Channels = 3;

    public int Size { get; }

    /// <summary>[S, S, 3], about 0 to 1.</summary>
    public float[] Pixels { get; }

    /// <summary>[S, S]</summary>
    public short[] Owners { get; }

    /// <summary>What each object is a part of, or <see cref="Drawing.Nobody"/>.</summary>
    public IReadOnlyList<int> Parents => _parents;

    /// <summary>Pixels of each object before others came on top.</summary>
    public IReadOnlyList<int> Drawn => _drawn;

    /// <summary>Covers a region.</summary>
    public void Fill(Region region, Paint paint)
    {
        float centreX = region.Left + region.Width / 2f, centreY = region.Top + region.Height / 2f;
        for (int y = region.Top; y < region.Top + region.Height; y++)
            for (int x = region.Left; x < region.Left + region.Width; x++)
                Blend(x, y, paint, paint.Relief(x - centreX, y - centreY, float.PositiveInfinity), 1);
    }

    /// <summary>Draws an object, or a part of one within its whole; borders run out over some pixels.</summary>
    /// <returns>Its number.</returns>
    public int Draw(Region region, Placed figure, Paint paint, float softness, (int Number, Placed Figure)? whole = null)
    {
        int number = _parents.Count, pixels = 0;
        float margin = figure.Reach + softness;
        int left = Math.Max(region.Left, (int)(figure.X - margin)), top = Math.Max(region.Top, (int)(figure.Y - margin));
        int right = Math.Min(region.Left + region.Width - 1, (int)(figure.X + margin) + 1);
        int bottom = Math.Min(region.Top + region.Height - 1, (int)(figure.Y + margin) + 1);
        for (int y = top; y <= bottom; y++)
            for (int x = left; x <= right; x++)
            {
                float distance = figure.Distance(x, y);
                if (distance < softness && whole is { } outer) distance = MathF.Max(distance, outer.Figure.Distance(x, y));
                float cover = Math.Clamp(0.5f - distance / softness, 0, 1);
                if (cover == 0) continue;
                Blend(x, y, paint, paint.Relief(x - figure.X, y - figure.Y, -distance), cover);
                if (cover < 0.5f) continue;
                Owners[y * Size + x] = (short)number;
                pixels++;
            }
        _parents.Add(whole?.Number ?? Drawing.Nobody);
        _drawn.Add(pixels);
        return number;
    }

    void Blend(int x, int y, Paint paint, float relief, float cover)
    {
        Span<float> pixel = Pixels.AsSpan((y * Size + x) * Channels, Channels);
        for (int channel = 0; channel < Channels; channel++)
            pixel[channel] += cover * (paint.Colour[channel] + relief - pixel[channel]);
    }
}
