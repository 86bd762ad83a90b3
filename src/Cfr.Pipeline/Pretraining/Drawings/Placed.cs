namespace Cfr.Pipeline.Pretraining;

/// <summary>A figure on the canvas: where, how large, turned how far; lengths in pixels.</summary>
sealed class Placed(Figure figure, float x, float y, float scale, float angle)
{
    readonly float _cos = MathF.Cos(angle), _sin = MathF.Sin(angle);

    public float X => x;

    public float Y => y;

    public float Scale => scale;

    /// <summary>No pixel farther from the centre belongs to it.</summary>
    public float Reach => figure.Reach * scale;

    /// <summary>Signed distance of a pixel to the border, in pixels.</summary>
    public float Distance(float pixelX, float pixelY)
    {
        float dx = (pixelX - x) / scale, dy = (pixelY - y) / scale;
        return scale * figure.Distance(_cos * dx + _sin * dy, _cos * dy - _sin * dx);
    }
}
