using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

/// <summary>What is bright and no organ: a blob, or a vessel that winds through all slices.</summary>
sealed record PhantomDistractor
{
    const int Tries = 20;

    Point _centre, _sway;
    float _radius;
    bool _isVessel;

    public required float Brightness { get; init; }

    /// <summary>One of this brightness, give or take; its centre in the clear if such a place is soon found.</summary>
    public static PhantomDistractor Draw(float brightness, Predicate<Point> isClear, RandomNumbers random)
    {
        Point centre;
        int tries = 0;
        do centre = Point.Draw(random, 0.7f, 0.6f, 0.9f);
        while (!isClear(centre) && ++tries < Tries);
        return new()
        {
            Brightness = brightness + random.Uniform(-10, 10),
            _centre = centre,
            _sway = Point.Draw(random, 0.15f, 0.15f, 3),
            _radius = random.Uniform(0.06f, 0.16f),
            _isVessel = random.Below(3) == 0,
        };
    }

    public float Distance(Point at)
    {
        Point q = at - _centre;
        if (_isVessel)
        {
            float phase = MathF.Sin(2 * at.Z + _sway.Z);
            q = new(q.X - _sway.X * phase, q.Y - _sway.Y * phase, 0);
        }
        return MathF.Sqrt(q.X * q.X + q.Y * q.Y + q.Z * q.Z) / _radius;
    }
}
