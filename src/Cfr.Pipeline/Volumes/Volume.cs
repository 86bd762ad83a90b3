namespace Cfr.Pipeline.Volumes;

/// <summary>A scan: intensities <c>[X, Y, Z]</c>, row-major (z fastest), and their geometry.</summary>
public sealed class Volume
{
    /// <summary>Takes over <paramref name="voxels"/>.</summary>
    /// <exception cref="ArgumentException">The number of voxels does not fit the size.</exception>
    public Volume(Geometry geometry, float[] voxels)
    {
        if (voxels.Length != geometry.Size.Voxels)
            throw new ArgumentException($"{voxels.Length} voxels for a volume of {geometry.Size}");
        (Geometry, Voxels) = (geometry, voxels);
    }

    /// <summary>Sizes and place.</summary>
    public Geometry Geometry { get; }

    /// <summary>Sizes.</summary>
    public GridSize Size => Geometry.Size;

    /// <summary>Intensities, z fastest.</summary>
    public float[] Voxels { get; }

    /// <summary>One voxel.</summary>
    public float this[int x, int y, int z] => Voxels[((long)x * Size.Y + y) * Size.Z + z];
}
