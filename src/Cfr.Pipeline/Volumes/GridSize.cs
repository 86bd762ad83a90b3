using Cfr.Kernels;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Sizes of a volume along its three array axes. Arrays are <c>[X, Y, Z]</c> in row-major order (z fastest), with the
/// axes in the order in which the file's own index runs, as nibabel and the published semi-supervised code have them:
/// patches, strides and checkpoints of those programs fit as they are. X, Y and Z become D, H and W of a 3D network.
/// </summary>
public readonly record struct GridSize(int X, int Y, int Z)
{
    /// <summary>X Y Z.</summary>
    public long Voxels => (long)X * Y * Z;

    /// <summary>Half of each, rounded down, at least 1.</summary>
    public GridSize Halved => new(Math.Max(1, X / 2), Math.Max(1, Y / 2), Math.Max(1, Z / 2));

    /// <summary>The same sizes as a network names them.</summary>
    public Extent Extent => new(X, Y, Z);

    /// <summary>Where in the grid the voxel lies that has this place in the array.</summary>
    public (int X, int Y, int Z) IndexOf(long place) => ((int)(place / Z / Y), (int)(place / Z % Y), (int)(place % Z));

    /// <inheritdoc/>
    public override string ToString() => $"{X}x{Y}x{Z}";
}
