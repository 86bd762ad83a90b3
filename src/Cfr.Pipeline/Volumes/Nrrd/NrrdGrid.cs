namespace Cfr.Pipeline.Volumes.Nrrd;

/// <summary>
/// Sizes and place of an NRRD file's voxels. Three axes are of space: those with a direction, or the only ones longer
/// than 1 where the file has no directions. World coordinates are turned to RAS from the space that the file names; a
/// file that names none is taken as LPS, as ITK does.
/// </summary>
static class NrrdGrid
{
    /// <summary>Signs of the world's axes for a space that is known, its name as written or its letters.</summary>
    static readonly (string Name, string Letters, int X, int Y)[] Spaces =
    [
        ("right-anterior-superior", "ras", 1, 1),
        ("left-anterior-superior", "las", -1, 1),
        ("left-posterior-superior", "lps", -1, -1),
    ];

    public static (Geometry Geometry, int Volumes) Of(NrrdHeader header, List<string> notes)
    {
        int[] sizes = header.Sizes;
        double[]?[]? directions = header.Vectors("space directions");
        if (directions is not null && directions.Length != sizes.Length)
            throw header.Unexpected("space directions", $"{sizes.Length} vectors");
        int[] axes = SpatialAxes(header, sizes, directions);
        int volumes = 1;
        for (int axis = axes[2] + 1; axis < sizes.Length; axis++) volumes *= sizes[axis];
        var size = new GridSize(sizes[axes[0]], sizes[axes[1]], sizes[axes[2]]);
        Geometry grid = directions is null
            ? Spaced(header, size, axes, notes)
            : Placed(header, size, axes, directions, notes);
        return (grid, volumes);
    }

    static int[] SpatialAxes(NrrdHeader header, int[] sizes, double[]?[]? directions)
    {
        int[] axes = [.. Enumerable.Range(0, sizes.Length)];
        if (directions is not null) axes = [.. axes.Where(axis => directions[axis] is not null)];
        else if (axes.Length > 3) axes = [.. axes.Where(axis => sizes[axis] > 1).Take(3)];
        if (axes.Length != 3) throw header.Unexpected("sizes", "three axes of space");
        for (int axis = 0; axis < axes[2]; axis++)
            if (!axes.Contains(axis) && sizes[axis] > 1)
                throw header.Unexpected("sizes", $"one value per voxel (axis {axis} is not of space)");
        return axes;
    }

    static Geometry Spaced(NrrdHeader header, GridSize size, int[] axes, List<string> notes)
    {
        double[] spacing = header.Numbers("spacings") ?? [.. header.Sizes.Select(_ => 1.0)];
        if (spacing.Length != header.Sizes.Length)
            throw header.Unexpected("spacings", $"{header.Sizes.Length} numbers");
        double[] steps = [.. axes.Select(axis => Math.Abs(spacing[axis])).Select(step =>
            double.IsFinite(step) && step > 0 ? step : 1)];
        notes.Add("no space directions: the orientation is a guess");
        return new Geometry(size, Affine.Scaling(steps[0], steps[1], steps[2])) { IsOriented = false };
    }

    static Geometry Placed(NrrdHeader header, GridSize size, int[] axes, double[]?[] directions, List<string> notes)
    {
        string space = header.Find("space")?.ToLowerInvariant() ?? "";
        var known = Spaces.FirstOrDefault(known => known.Name == space || known.Letters == space);
        bool isOriented = known.Name is not null;
        if (!isOriented) (known, _) = (Spaces[2], 0);
        if (!isOriented) notes.Add($"space '{space}' does not name the world's axes: taken as LPS");
        double[]?[]? origin = header.Vectors("space origin");
        if (origin is not (null or [{ Length: 3 }])) throw header.Unexpected("space origin", "one vector of 3 numbers");
        double[][] columns = [.. axes.Select(axis => directions[axis]!), origin?[0] ?? [0, 0, 0]];
        if (columns.Any(column => column.Length != 3 || !column.All(double.IsFinite)))
            throw header.Unexpected("space directions", "vectors of 3 finite numbers");
        int[] signs = [known.X, known.Y, 1];
        var affine = new Affine([.. Enumerable.Range(0, 12).Select(i => signs[i / 4] * columns[i % 4][i / 4])]);
        if (!affine.IsInvertible) throw header.Unexpected("space directions", "three independent directions");
        return new Geometry(size, affine) { IsOriented = isOriented };
    }
}
