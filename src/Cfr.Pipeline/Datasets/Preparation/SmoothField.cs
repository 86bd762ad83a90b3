using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

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
