using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

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
