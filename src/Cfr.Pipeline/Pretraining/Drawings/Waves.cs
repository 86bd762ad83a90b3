using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>A sum of a few plane waves: stripes if there is one, clouds and grain if there are more.</summary>
sealed class Waves
{
    readonly (float X, float Y, float Phase)[] _waves;
    readonly float _amplitude;

    Waves((float, float, float)[] waves, float deviation) =>
        (_waves, _amplitude) = (waves, deviation * MathF.Sqrt(2f / waves.Length));

    /// <summary>One to five waves of about one length, which is drawn from a range in pixels.</summary>
    public static Waves Draw(RandomNumbers random, float shortest, float longest, float deviation)
    {
        float length = MathF.Exp(random.Uniform(MathF.Log(shortest), MathF.Log(MathF.Max(longest, shortest + 1))));
        return new Waves(
            [.. Enumerable.Range(0, random.Between(1, 6)).Select(_ =>
            {
                float frequency = 2 * MathF.PI / (length * random.Uniform(0.7f, 1.4f)), direction = random.Uniform(0, 2 * MathF.PI);
                return (frequency * MathF.Cos(direction), frequency * MathF.Sin(direction), random.Uniform(0, 2 * MathF.PI));
            })],
            deviation);
    }

    /// <summary>Of mean about 0 and the deviation that was asked for.</summary>
    public float At(float x, float y)
    {
        float sum = 0;
        foreach (var (waveX, waveY, phase) in _waves) sum += MathF.Sin(waveX * x + waveY * y + phase);
        return _amplitude * sum;
    }
}
