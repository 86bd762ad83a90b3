using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

/// <summary>A place in a phantom: -1 to 1 along each axis.</summary>
readonly record struct Point(float X, float Y, float Z)
{
    public static Point operator +(Point a, Point b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z);

    public static Point operator -(Point a, Point b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z);

    /// <summary>Turned in the plane of x and y.</summary>
    public Point Turned(float angle)
    {
        var (sin, cos) = MathF.SinCos(angle);
        return new(cos * X - sin * Y, sin * X + cos * Y, Z);
    }

    /// <summary>Each part uniform within the given one.</summary>
    public static Point Draw(RandomNumbers random, float x, float y, float z) =>
        new(random.Uniform(-x, x), random.Uniform(-y, y), random.Uniform(-z, z));
}

/// <summary>A smooth field of mean 0 and deviation about 1: the sum of a few random waves.</summary>
sealed class SmoothField
{
    readonly (Point Wave, float Phase)[] _waves;
    readonly float _scale;

    /// <param name="random">Where it comes from.</param>
    /// <param name="waves">How many.</param>
    /// <param name="highest">Waves that fit into the volume at most.</param>
    public SmoothField(RandomNumbers random, int waves, float highest)
    {
        _waves = [.. Enumerable.Range(0, waves).Select(_ => (
            Point.Draw(random, MathF.PI * highest, MathF.PI * highest, MathF.PI * highest),
            random.Uniform(0, 2 * MathF.PI)))];
        _scale = MathF.Sqrt(2f / waves);
    }

    public float At(Point at)
    {
        float sum = 0;
        foreach (var (wave, phase) in _waves) sum += MathF.Sin(wave.X * at.X + wave.Y * at.Y + wave.Z * at.Z + phase);
        return _scale * sum;
    }
}

/// <summary>How a case lies in the scanner: a little aside, turned, larger or smaller.</summary>
sealed class PhantomPose(RandomNumbers random)
{
    readonly Point _shift = Point.Draw(random, 0.08f, 0.08f, 0.08f);
    readonly float _angle = random.Uniform(-0.2f, 0.2f), _scale = random.Uniform(0.92f, 1.08f);

    public Point Apply(Point at)
    {
        Point turned = (at - _shift).Turned(_angle);
        return new(turned.X * _scale, turned.Y * _scale, turned.Z * _scale);
    }
}

/// <summary>
/// An ellipsoid, bent, with a smooth deformation: with q the place from its centre, turned and divided by its radii,
/// distance = |(q.x, q.y + bend q.x^2, q.z)| + 0.12 field(q); inside below 1.
/// </summary>
sealed record PhantomOrgan
{
    const float Deformation = 0.12f, Reach = 2;

    SmoothField? _field;

    public required Point Centre { get; init; }

    public required Point Radii { get; init; }

    public required float Angle { get; init; }

    public required float Bend { get; init; }

    public required float Brightness { get; init; }

    /// <summary>Number <paramref name="index"/> of <paramref name="count"/>: spread over the body, two of a kind.</summary>
    public static PhantomOrgan Draw(int index, int count, RandomNumbers random)
    {
        float size = count == 1 ? 1 : 0.95f / MathF.Sqrt(MathF.Sqrt(count) * count / 2f);
        float around = 2 * MathF.PI * index / count + 0.6f, away = count == 1 ? 0.15f : 0.48f;
        int pair = index / 2;
        return new PhantomOrgan
        {
            Centre = new Point(away * MathF.Cos(around), 0.85f * away * MathF.Sin(around), count == 1 ? 0 : index % 3 * 0.3f - 0.3f)
                + Point.Draw(random, 0.03f, 0.03f, 0.05f),
            Radii = new Point(size * random.Uniform(0.38f, 0.48f), size * random.Uniform(0.26f, 0.34f), size * random.Uniform(0.42f, 0.55f)),
            Angle = random.Uniform(-MathF.PI / 2, MathF.PI / 2),
            Bend = random.Uniform(0.1f, 0.4f),
            Brightness = 135 + 55 * ((pair * 0.618f + 0.35f) % 1),
        };
    }

    /// <summary>The same organ of another person.</summary>
    public PhantomOrgan Vary(RandomNumbers random) => new()
    {
        Centre = Centre + Point.Draw(random, 0.05f, 0.05f, 0.08f),
        Radii = new(
            Radii.X * random.Uniform(0.85f, 1.2f), Radii.Y * random.Uniform(0.85f, 1.2f), Radii.Z * random.Uniform(0.85f, 1.2f)),
        Angle = Angle + random.Uniform(-0.3f, 0.3f),
        Bend = Bend + random.Uniform(-0.15f, 0.15f),
        Brightness = Brightness + random.Uniform(-8, 8),
        _field = new SmoothField(random, waves: 5, highest: 0.8f),
    };

    public float Distance(Point at)
    {
        Point q = (at - Centre).Turned(Angle);
        q = new(q.X / Radii.X, q.Y / Radii.Y, q.Z / Radii.Z);
        q = q with { Y = q.Y + Bend * q.X * q.X };
        float distance = MathF.Sqrt(q.X * q.X + q.Y * q.Y + q.Z * q.Z);
        return distance > Reach || _field is null ? distance : distance + Deformation * _field.At(q);
    }
}

/// <summary>What is bright and no organ: a blob, or a vessel that winds through all slices.</summary>
sealed record PhantomDistractor
{
    Point _centre, _sway;
    float _radius;
    bool _isVessel;

    public required float Brightness { get; init; }

    public static PhantomDistractor Draw(float brightness, RandomNumbers random) => new()
    {
        Brightness = brightness + random.Uniform(-10, 10),
        _centre = Point.Draw(random, 0.7f, 0.6f, 0.9f),
        _sway = Point.Draw(random, 0.15f, 0.15f, 3),
        _radius = random.Uniform(0.06f, 0.16f),
        _isVessel = random.Below(3) == 0,
    };

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
