using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

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
        float size = (count == 1 ? 1.25f : 1.2f) / MathF.Sqrt(count);
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
