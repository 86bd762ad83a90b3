using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Inference;

/// <summary>
/// How much each voxel of a window counts: a product of a weight for each axis, all 1 or a Gaussian around the centre with
/// sigma = patch / 8.
/// </summary>
sealed class WindowWeights(GridSize patch, bool gaussian)
{
    const double SigmasPerPatch = 8;

    public float[] X { get; } = Axis(patch.X, gaussian);

    public float[] Y { get; } = Axis(patch.Y, gaussian);

    public float[] Z { get; } = Axis(patch.Z, gaussian);

    public bool IsUniform => !gaussian;

    /// <summary>The weight of each voxel of a window.</summary>
    public float[] Product() =>
        [.. from x in X from y in Y let plane = x * y from z in Z select plane * z];

    static float[] Axis(int length, bool gaussian)
    {
        float[] weights = new float[length];
        for (int i = 0; i < length; i++)
        {
            double sigmas = (i - (length - 1) / 2.0) * SigmasPerPatch / length;
            weights[i] = gaussian ? (float)Math.Exp(-sigmas * sigmas / 2) : 1;
        }
        return weights;
    }
}
