using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>Which voxels belong to an object: <c>[X, Y, Z]</c>, row-major (z fastest).</summary>
public sealed class Mask
{
    /// <summary>Takes over <paramref name="voxels"/>.</summary>
    /// <exception cref="ArgumentException">The number of voxels does not fit the size.</exception>
    public Mask(GridSize size, bool[] voxels)
    {
        if (voxels.Length != size.Voxels) throw new ArgumentException($"{voxels.Length} voxels for a mask of {size}");
        (Size, Voxels) = (size, voxels);
    }

    /// <summary>Sizes.</summary>
    public GridSize Size { get; }

    /// <summary>True inside the object, z fastest.</summary>
    public bool[] Voxels { get; }

    /// <summary>Number of voxels in the object.</summary>
    public long Count => Voxels.LongCount(voxel => voxel);

    /// <summary>The voxels of one class.</summary>
    public static Mask Of(LabelMap labels, byte value) =>
        new(labels.Size, Array.ConvertAll(labels.Voxels, voxel => voxel == value));

    /// <summary>The part of a mask of one class that lies in a box.</summary>
    internal static Mask Of(LabelMap labels, byte value, Box box)
    {
        GridSize size = box.Size, all = labels.Size;
        bool[] voxels = new bool[size.Voxels];
        int to = 0;
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
            {
                int from = ((box.X + x) * all.Y + box.Y + y) * all.Z + box.Z;
                foreach (byte voxel in labels.Voxels.AsSpan(from, size.Z)) voxels[to++] = voxel == value;
            }
        return new Mask(size, voxels);
    }

    /// <summary>
    /// The surface: object voxels that do not survive an erosion with the 6-neighbourhood, everything outside the array
    /// being background. Voxels on the array's border, single voxels and inner walls of holes are surface.
    /// </summary>
    public Mask Surface()
    {
        (int nx, int ny, int nz) = (Size.X, Size.Y, Size.Z);
        int plane = ny * nz;
        bool[] surface = new bool[Voxels.Length];
        for (int x = 0; x < nx; x++)
            for (int y = 0; y < ny; y++)
            {
                int row = x * plane + y * nz;
                bool isBorder = x == 0 || y == 0 || x == nx - 1 || y == ny - 1;
                for (int z = 0; z < nz; z++)
                {
                    int i = row + z;
                    surface[i] = Voxels[i] && (isBorder || z == 0 || z == nz - 1 || !(Voxels[i - 1] && Voxels[i + 1]
                        && Voxels[i - nz] && Voxels[i + nz] && Voxels[i - plane] && Voxels[i + plane]));
                }
            }
        return new Mask(Size, surface);
    }
}
