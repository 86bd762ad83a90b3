namespace Cfr.Pipeline.Volumes;

/// <summary>Stores scans in another order of axes, and results in that of the scan they belong to.</summary>
public static class Reorientation
{
    /// <summary>The same voxels at the same places, stored in the order asked for. Nothing is interpolated.</summary>
    public static Volume Reorient(this Volume volume, Orientation to)
    {
        var change = AxisChange.Between(volume.Geometry.Orientation, to);
        return new Volume(change.Apply(volume.Geometry), change.Apply(volume.Voxels, volume.Size));
    }

    /// <inheritdoc cref="Reorient(Volume, Orientation)"/>
    public static LabelMap Reorient(this LabelMap labels, Orientation to)
    {
        var change = AxisChange.Between(labels.Geometry.Orientation, to);
        return new LabelMap(change.Apply(labels.Geometry), change.Apply(labels.Voxels, labels.Size));
    }

    /// <summary>The way back: stored as the original was, with its geometry to the last bit.</summary>
    /// <exception cref="ArgumentException">The original does not have the same voxels.</exception>
    public static Volume ReorientLike(this Volume volume, Geometry original) =>
        new(original, AxisChange.Between(volume.Geometry, original).Apply(volume.Voxels, volume.Size));

    /// <inheritdoc cref="ReorientLike(Volume, Geometry)"/>
    public static LabelMap ReorientLike(this LabelMap labels, Geometry original) =>
        new(original, AxisChange.Between(labels.Geometry, original).Apply(labels.Voxels, labels.Size));
}
