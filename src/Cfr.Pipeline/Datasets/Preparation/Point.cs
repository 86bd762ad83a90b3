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
