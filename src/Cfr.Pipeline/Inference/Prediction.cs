using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Inference;

/// <summary>What a network says of a whole scan.</summary>
public sealed class Prediction
{
    readonly WindowSum _sum;
    readonly Geometry _geometry;

    internal Prediction(WindowSum sum, Geometry geometry, int classes)
    {
        (_sum, _geometry, Classes) = (sum, geometry, classes);
        Labels = new LabelMap(geometry, sum.Labels);
    }

    /// <summary>The most probable class of each voxel, on the scan's own grid.</summary>
    public LabelMap Labels { get; }

    /// <summary>Number of class maps: the network's channels.</summary>
    public int Classes { get; }

    /// <summary>Probability of one class, 0 to 1, if probabilities were asked for.</summary>
    public Volume Probability(int channel) => new(_geometry, _sum.Probabilities(channel));

    /// <summary>Probabilities <c>[X, Y, Z, K]</c>, the class fastest, if they were asked for.</summary>
    public float[] Probabilities() => _sum.Probabilities();
}
