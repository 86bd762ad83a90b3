namespace Cfr.Pipeline.Volumes;

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

    /// <summary>Classes from intensities that are whole numbers from 0 to 255.</summary>
    /// <exception cref="BadDataException">They are not: <paramref name="path"/> and a voxel.</exception>
    internal static LabelMap From(string path, Volume volume)
    {
        float[] values = volume.Voxels;
        var labels = new byte[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            labels[i] = (byte)values[i];
            if (labels[i] != values[i])
            {
                var (x, y, z) = volume.Size.IndexOf(i);
                throw new BadDataException(
                    $"{path}: label {values[i]:G9} at voxel ({x}, {y}, {z}), expected whole numbers from 0 to 255");
            }
        }
        return new LabelMap(volume.Geometry, labels);
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
