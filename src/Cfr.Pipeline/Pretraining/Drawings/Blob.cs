using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// An ellipse whose radius is bent by a few waves around the circle: r(t) = 1 + sum over k of a_k cos(k t) + b_k sin(k t). A third of them
/// are plain ellipses.
/// </summary>
sealed class Blob : Figure
{
    const int Waves = 4;

    readonly float _aspect;
    readonly float[] _cosines = new float[Waves], _sines = new float[Waves];

    public Blob(RandomNumbers random)
    {
        _aspect = random.Uniform(0.45f, 1);
        float bend = random.Uniform() < 0.33f ? 0 : random.Uniform(0.05f, 0.3f), reach = 1;
        for (int k = 0; k < Waves; k++)
        {
            float limit = bend / (k + 1);
            (_cosines[k], _sines[k]) = (random.Uniform(-limit, limit), random.Uniform(-limit, limit));
            reach += MathF.Abs(_cosines[k]) + MathF.Abs(_sines[k]);
        }
        Reach = reach;
    }

    public override float Reach { get; }

    public override float Distance(float x, float y)
    {
        y /= _aspect;
        float length = MathF.Sqrt(x * x + y * y) + 1e-6f, cos = x / length, sin = y / length, radius = 1;
        // cos(k t) and sin(k t) from those of (k - 1) t; the waves begin at k = 2, since k = 1 only shifts.
        float c = cos, s = sin;
        for (int k = 0; k < Waves; k++)
        {
            (c, s) = (c * cos - s * sin, s * cos + c * sin);
            radius += _cosines[k] * c + _sines[k] * s;
        }
        return (length - radius) * _aspect;
    }
}
