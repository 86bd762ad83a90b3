using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Inference;

/// <summary>What a network says of a whole scan.</summary>
public sealed class Prediction
{
    readonly IReadOnlyList<float[]?> _planes;

    internal Prediction(LabelMap labels, int classes, IReadOnlyList<float[]?> planes) =>
        (Labels, Classes, _planes) = (labels, classes, planes);

    /// <summary>The most probable class of each voxel, on the scan's own grid.</summary>
    public LabelMap Labels { get; }

    /// <summary>Number of class maps: the network's channels.</summary>
    public int Classes { get; }

    /// <summary>Probability of one class, 0 to 1, if probabilities were asked for.</summary>
    public Volume Probability(int channel)
    {
        float[] map = new float[Labels.Voxels.Length];
        int plane = map.Length / _planes.Count;
        for (int i = 0; i < map.Length; i++) map[i] = _planes[i / plane]![i % plane * Classes + channel];
        return new Volume(Labels.Geometry, map);
    }

    /// <summary>Probabilities <c>[X, Y, Z, K]</c>, the class fastest, if they were asked for.</summary>
    public float[] Probabilities() => [.. _planes.SelectMany(plane => plane!)];
}
