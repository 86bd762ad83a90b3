using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Concatenation;

/// <summary>
/// The grey augmentation of the published fine-tuning: each slice of a normalised patch, with this probability, goes through a
/// <see cref="BezierCurve"/> of its own with uniform control points. So everything below 0 becomes 0, above 1 becomes 1.
/// </summary>
/// <param name="Probability">Of a slice.</param>
public sealed record GreyAugmentation(float Probability = 0.5f)
{
    /// <summary>The curves of so many slices; null for those that stay as they are.</summary>
    public BezierCurve?[] Draw(int slices, RandomNumbers random)
    {
        var curves = new BezierCurve?[slices];
        for (int z = 0; z < slices; z++)
            if (random.Uniform() < Probability)
                curves[z] = new BezierCurve(random.Uniform(), random.Uniform(), random.Uniform(), random.Uniform());
        return curves;
    }

    /// <summary>Changes a patch <c>[X, Y, Z]</c> in place.</summary>
    public void Apply(Span<float> patch, GridSize size, RandomNumbers random)
    {
        if (patch.Length != size.Voxels) throw new ArgumentException($"{patch.Length} voxels for a patch of {size}");
        BezierCurve?[] curves = Draw(size.Z, random);
        for (int z = 0; z < size.Z; z++)
            if (curves[z] is { } curve)
                for (int i = z; i < patch.Length; i += size.Z) patch[i] = (float)curve[patch[i]];
    }

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        if (!(Probability is >= 0 and <= 1)) throw new ArgumentException($"probability is {Probability}; expected 0 to 1");
    }
}
