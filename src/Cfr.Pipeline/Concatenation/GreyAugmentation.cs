using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Concatenation;

/// <summary>
/// The grey augmentation of the published fine-tuning: each slice of a normalised patch, with this probability, goes through a
/// <see cref="BezierCurve"/> of its own with uniform control points. So everything below 0 becomes 0, above 1 becomes 1.
/// </summary>
/// <param name="Probability">Of a slice.</param>
public sealed record GreyAugmentation(float Probability = 0.5f)
{
    static readonly float[] AsItIs = [-1, 0, 0, 0];

    /// <summary>The curves of so many slices; null for those that stay as they are.</summary>
    public BezierCurve?[] Draw(int slices, RandomNumbers random)
    {
        var curves = new BezierCurve?[slices];
        for (int z = 0; z < slices; z++)
            if (random.Uniform() < Probability)
                curves[z] = new BezierCurve(random.Uniform(), random.Uniform(), random.Uniform(), random.Uniform());
        return curves;
    }

    /// <summary>Patches <c>[N, D, H, W, 1]</c> whose slices go through these curves.</summary>
    public static Tensor Apply(Tensor patches, IReadOnlyList<BezierCurve?> curves)
    {
        if (patches.Rank != 5 || patches.Size(^1) != 1 || patches.Size(3) != curves.Count)
            throw new ArgumentException($"{nameof(Apply)}: {curves.Count} curves for the slices of patches {patches.Shape}");
        float[] points =
        [
            .. curves.SelectMany(curve => curve is { } c ? [(float)c.X1, (float)c.Y1, (float)c.X2, (float)c.Y2] : AsItIs),
        ];
        Tensor slices = patches.Reshape(patches.Shape[..4]);
        return slices.BezierCurves(patches.Session.Tensor(points, [curves.Count, 4])).Reshape(patches.Shape);
    }

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        if (!(Probability is >= 0 and <= 1)) throw new ArgumentException($"probability is {Probability}; expected 0 to 1");
    }
}
