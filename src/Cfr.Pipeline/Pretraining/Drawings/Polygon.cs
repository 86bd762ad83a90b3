using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>A star-shaped polygon of three to eight corners, sharp or rounded.</summary>
sealed class Polygon : Figure
{
    readonly (float X, float Y)[] _corners;
    readonly float _rounding;

    public Polygon(RandomNumbers random)
    {
        int count = random.Between(3, 9);
        bool isRegular = random.Uniform() < 0.35f;
        _rounding = random.Uniform() < 0.5f ? 0 : random.Uniform(0.05f, 0.25f);
        float aspect = random.Uniform(0.5f, 1);
        _corners = new (float, float)[count];
        for (int i = 0; i < count; i++)
        {
            float angle = 2 * MathF.PI * (i + (isRegular ? 0 : random.Uniform(-0.35f, 0.35f))) / count;
            float radius = (isRegular ? 1 : random.Uniform(0.55f, 1)) * (1 - _rounding);
            _corners[i] = (radius * MathF.Cos(angle), aspect * radius * MathF.Sin(angle));
        }
    }

    public override float Reach => 1;

    public override float Distance(float x, float y)
    {
        float nearest = float.PositiveInfinity;
        bool isInside = false;
        var (fromX, fromY) = _corners[^1];
        foreach (var (toX, toY) in _corners)
        {
            nearest = MathF.Min(nearest, Segment.SquaredDistance(x, y, fromX, fromY, toX, toY));
            if (fromY > y != toY > y && x < (fromX - toX) * (y - toY) / (fromY - toY) + toX) isInside = !isInside;
            (fromX, fromY) = (toX, toY);
        }
        float distance = MathF.Sqrt(nearest);
        return (isInside ? -distance : distance) - _rounding;
    }
}
