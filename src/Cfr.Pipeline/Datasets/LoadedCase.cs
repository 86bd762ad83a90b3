using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>A case as it is trained and tested on: axes in order, intensities normalised.</summary>
/// <param name="Name">As the lists have it.</param>
/// <param name="Geometry">Sizes and place.</param>
/// <param name="Image">Intensities <c>[X, Y, Z]</c>.</param>
/// <param name="Label">Classes <c>[X, Y, Z]</c>; null without a label.</param>
public sealed record LoadedCase(string Name, Geometry Geometry, float[] Image, byte[]? Label)
{
    /// <summary>What it occupies.</summary>
    public long Bytes => sizeof(float) * (long)Image.Length + (Label?.Length ?? 0);
}
