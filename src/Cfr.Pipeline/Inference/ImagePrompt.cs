namespace Cfr.Pipeline.Inference;

/// <summary>A point of a picture, in pixels from its upper left corner.</summary>
/// <param name="X">Columns from the left.</param>
/// <param name="Y">Rows from the top.</param>
/// <param name="IsObject">False for a point that does not belong to the object.</param>
public readonly record struct ImagePoint(double X, double Y, bool IsObject = true);

/// <summary>A box of a picture, in pixels, both corners in it.</summary>
public readonly record struct ImageBox(double X0, double Y0, double X1, double Y1);

/// <summary>What is asked of a picture: one object.</summary>
public sealed record ImagePrompt
{
    /// <summary>Points on the object and beside it.</summary>
    public IReadOnlyList<ImagePoint> Points { get; init; } = [];

    /// <summary>A box around it.</summary>
    public ImageBox? Box { get; init; }

    /// <summary>A mask to begin with: <see cref="PredictedMask.LowResolution"/> of an earlier prediction.</summary>
    public float[]? Mask { get; init; }

    /// <summary>A point alone may mean a part or the whole: several candidates are worth looking at.</summary>
    public bool IsAmbiguous => Points.Count == 1 && Box is null && Mask is null;

    /// <exception cref="ArgumentException">
    /// It is empty, a place is not in the picture, or the box has no extent.
    /// </exception>
    public void Check(int height, int width)
    {
        if (Points.Count == 0 && Box is null && Mask is null)
            throw new ArgumentException("the prompt is empty; expected points, a box or a mask");
        foreach (ImagePoint point in Points)
            if (!Holds(point.X, point.Y)) throw Outside($"the point {point.X},{point.Y}");
        if (Box is not { } box) return;
        FormattableString text = $"the box {box.X0},{box.Y0},{box.X1},{box.Y1}";
        if (!(box.X1 > box.X0 && box.Y1 > box.Y0))
            throw new ArgumentException($"{FormattableString.Invariant(text)} has no extent; expected x0 < x1 and y0 < y1");
        if (!Holds(box.X0, box.Y0) || !Holds(box.X1, box.Y1)) throw Outside(text);

        bool Holds(double x, double y) => x >= 0 && y >= 0 && x <= width && y <= height;

        ArgumentException Outside(FormattableString what) =>
            new($"{FormattableString.Invariant(what)} is not in the picture of {width} x {height} pixels");
    }
}
