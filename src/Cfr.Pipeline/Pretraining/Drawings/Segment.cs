namespace Cfr.Pipeline.Pretraining;

/// <summary>A straight line from one point to another.</summary>
static class Segment
{
    /// <summary>Of the point (x, y) to the nearest point of the segment.</summary>
    public static float SquaredDistance(float x, float y, float fromX, float fromY, float toX, float toY)
    {
        float alongX = toX - fromX, alongY = toY - fromY;
        float length = alongX * alongX + alongY * alongY + 1e-12f;
        float share = Math.Clamp(((x - fromX) * alongX + (y - fromY) * alongY) / length, 0, 1);
        float dx = x - fromX - share * alongX, dy = y - fromY - share * alongY;
        return dx * dx + dy * dy;
    }
}
