using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>A bent line of some width: a quadratic Bezier curve in a few straight pieces.</summary>
sealed class Stroke : Figure
{
    const int Pieces = 10;

    readonly (float X, float Y)[] _points = new (float, float)[Pieces + 1];
    readonly float _half;

    public Stroke(RandomNumbers random, float thinnest)
    {
        _half = MathF.Max(random.Uniform(0.05f, 0.18f), thinnest / 2);
        float bend = random.Uniform(-1, 1), length = 1 - _half;
        for (int i = 0; i <= Pieces; i++)
        {
            float t = 2f * i / Pieces - 1;
            _points[i] = (length * t, length * bend * (1 - t * t) * 0.7f);
        }
    }

    public override float Reach => 1.3f;

    public override float Distance(float x, float y)
    {
        float nearest = float.PositiveInfinity;
        for (int i = 0; i < Pieces; i++)
        {
            float squared = Segment.SquaredDistance(x, y, _points[i].X, _points[i].Y, _points[i + 1].X, _points[i + 1].Y);
            nearest = MathF.Min(nearest, squared);
        }
        return MathF.Sqrt(nearest) - _half;
    }
}
