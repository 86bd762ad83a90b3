namespace Cfr.Pipeline.Volumes;

/// <summary>Sizes of a scan and where its voxels lie.</summary>
public sealed record Geometry(GridSize Size, Affine Affine)
{
    /// <summary>A grid of 1 mm voxels along the world's axes: files that say nothing of space.</summary>
    public static Geometry Unit(GridSize size) => new(size, Affine.Scaling(1, 1, 1));

    /// <summary>Size of a voxel in mm along the array's axes.</summary>
    public (double X, double Y, double Z) Spacing => (Affine.Spacing(0), Affine.Spacing(1), Affine.Spacing(2));
}

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

/// <summary>A segmentation: classes 0 (background) to 255 <c>[X, Y, Z]</c>, row-major, and their geometry.</summary>
public sealed class LabelMap
{
    /// <summary>Takes over <paramref name="voxels"/>.</summary>
    /// <exception cref="ArgumentException">The number of voxels does not fit the size.</exception>
    public LabelMap(Geometry geometry, byte[] voxels)
    {
        if (voxels.Length != geometry.Size.Voxels)
            throw new ArgumentException($"{voxels.Length} voxels for a label map of {geometry.Size}");
        (Geometry, Voxels) = (geometry, voxels);
    }

    /// <summary>Sizes and place.</summary>
    public Geometry Geometry { get; }

    /// <summary>Sizes.</summary>
    public GridSize Size => Geometry.Size;

    /// <summary>Classes, z fastest.</summary>
    public byte[] Voxels { get; }

    /// <summary>One voxel.</summary>
    public byte this[int x, int y, int z] => Voxels[((long)x * Size.Y + y) * Size.Z + z];
}
