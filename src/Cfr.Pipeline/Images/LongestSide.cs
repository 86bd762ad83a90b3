namespace Cfr.Pipeline.Images;

/// <summary>
/// How a picture comes to fill a square of <paramref name="Side"/> pixels along its longer axis: both axes are scaled
/// by side / max(height, width), sizes rounded half up.
/// </summary>
/// <param name="Height">Rows of the picture.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Side">Of the square.</param>
public readonly record struct LongestSide(int Height, int Width, int Side)
{
    /// <summary>Rows afterwards.</summary>
    public int ScaledHeight => Scaled(Height);

    /// <summary>Columns afterwards.</summary>
    public int ScaledWidth => Scaled(Width);

    /// <summary>The picture at its scaled size, 8 bits, antialiased.</summary>
    public RgbImage Apply(RgbImage image) => AntialiasedResize.Resize(image, ScaledHeight, ScaledWidth);

    /// <summary>Where a place of the picture comes to lie.</summary>
    public (double X, double Y) Map(double x, double y) =>
        (x * ((double)ScaledWidth / Width), y * ((double)ScaledHeight / Height));

    int Scaled(int size) => (int)(size * ((double)Side / Math.Max(Height, Width)) + 0.5);
}
