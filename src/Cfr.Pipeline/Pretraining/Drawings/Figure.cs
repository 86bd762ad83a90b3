using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// An outline in coordinates of its own, in which it about fills the unit circle. What is drawn are its distances: negative inside, 0
/// on the border, positive outside, exact or nearly so close to the border.
/// </summary>
abstract class Figure
{
    /// <summary>No point farther from the origin belongs to it.</summary>
    public abstract float Reach { get; }

    /// <summary>Signed distance to the border.</summary>
    public abstract float Distance(float x, float y);

    /// <summary>A figure of any kind, none of its parts thinner than <paramref name="thinnest"/>.</summary>
    public static Figure Draw(RandomNumbers random, float thinnest) => random.Uniform() switch
    {
        < 0.55f => new Blob(random),
        < 0.78f => new Polygon(random),
        < 0.88f => new Ring(random, thinnest),
        _ => new Stroke(random, thinnest),
    };
}
