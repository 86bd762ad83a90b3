using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>Reads cases as a data set describes them, and refuses those that cannot be trained or tested on.</summary>
public static class CaseReader
{
    /// <summary>A store of the cases of a data set.</summary>
    public static CaseStore Store(this DataSet set, long limit = long.MaxValue) => new(set.Read, limit);

    /// <summary>Reads a case: axes brought to x, y, z; intensities normalised.</summary>
    /// <exception cref="BadDataException">
    /// A damaged file, voxels that are no numbers, an image that is constant, a label of another shape or place, or with
    /// a value that is no class. The message names the file.
    /// </exception>
    public static LoadedCase Read(this DataSet set, Case wanted)
    {
        Volume image = ReadImage(set, wanted);
        LabelMap? label = wanted.LabelPath is null ? null : ReadLabel(set, wanted.LabelPath);
        CheckNumbers(wanted.ImagePath, image);
        if (label is not null)
        {
            CheckPlace(wanted, image.Geometry, label.Geometry);
            CheckClasses(set, wanted.LabelPath!, label);
        }
        if (set.Normalization == Normalization.ZScore) ZScore.Apply(wanted.ImagePath, image.Voxels);
        return new LoadedCase(wanted.Name, image.Geometry, image.Voxels, label?.Voxels);
    }

    /// <summary>The intensities as they are, axes brought to x, y, z.</summary>
    internal static Volume ReadImage(DataSet set, Case wanted)
    {
        Volume image = VolumeFile.Read(wanted.ImagePath);
        return OrderOf(set) is { } order
            ? new Volume(order.Apply(image.Geometry), order.Apply(image.Voxels, image.Size))
            : image;
    }

    /// <summary>The label as it is, axes brought to x, y, z.</summary>
    internal static LabelMap ReadLabel(DataSet set, string path)
    {
        LabelMap label = VolumeFile.ReadLabels(path);
        return OrderOf(set) is { } order
            ? new LabelMap(order.Apply(label.Geometry), order.Apply(label.Voxels, label.Size))
            : label;
    }

    /// <summary>Writes classes of a case that was read, as its label file would be: axes in the files' order.</summary>
    internal static void WriteLabels(this DataSet set, string path, LabelMap labels)
    {
        if (OrderOf(set, back: true) is { } order)
            labels = new LabelMap(order.Apply(labels.Geometry), order.Apply(labels.Voxels, labels.Size));
        VolumeFile.Write(path, labels);
    }

    /// <summary>The axes' letters as if they were directions: a change of order is then one of orientations.</summary>
    static AxisChange? OrderOf(DataSet set, bool back = false)
    {
        if (set.Axes == "xyz") return null;
        string code = string.Concat(set.Axes.Select(letter => "RAS"["xyz".IndexOf(letter)]));
        Orientation file = Orientation.Parse(code);
        return back ? AxisChange.Between(Orientation.Ras, file) : AxisChange.Between(file, Orientation.Ras);
    }

    /// <exception cref="BadDataException">NaN or infinity.</exception>
    internal static void CheckNumbers(string path, Volume image)
    {
        int bad = Array.FindIndex(image.Voxels, voxel => !float.IsFinite(voxel));
        if (bad < 0) return;
        var (x, y, z) = image.Size.IndexOf(bad);
        throw new BadDataException($"{path}: voxel ({x}, {y}, {z}) is {image.Voxels[bad]}; expected finite numbers");
    }

    /// <exception cref="BadDataException">Image and label are not on the same grid.</exception>
    internal static void CheckPlace(Case wanted, Geometry image, Geometry label)
    {
        if (image.Size != label.Size)
            throw new BadDataException(
                $"{wanted.LabelPath}: {label.Size} voxels; expected {image.Size}, as {wanted.ImagePath} has");
        if (!image.IsOriented || !label.IsOriented) return;
        double apart = Apart(image, label);
        double allowed = 0.5 * Math.Min(image.Spacing.X, Math.Min(image.Spacing.Y, image.Spacing.Z));
        if (apart > allowed)
            throw new BadDataException($"{wanted.LabelPath}: lies up to {apart:G3} mm off {wanted.ImagePath}"
                + $" ({label.Affine} against {image.Affine}); expected the same voxels");
    }

    /// <exception cref="BadDataException">A value that is no class.</exception>
    internal static void CheckClasses(DataSet set, string path, LabelMap label)
    {
        int bad = label.Voxels.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(set.Classes.Count - 1));
        if (bad < 0) return;
        var (x, y, z) = label.Size.IndexOf(bad);
        throw new BadDataException($"{path}: label {label.Voxels[bad]} at voxel ({x}, {y}, {z});"
            + $" expected 0 to {set.Classes.Count - 1}, the classes of {set.Name}");
    }

    /// <summary>The largest distance, in mm, between the places of the same corner of two grids.</summary>
    static double Apart(Geometry a, Geometry b)
    {
        double largest = 0;
        for (int corner = 0; corner < 8; corner++)
        {
            double x = (corner & 1) * (a.Size.X - 1), y = (corner >> 1 & 1) * (a.Size.Y - 1), z = (corner >> 2) * (a.Size.Z - 1);
            var (p, q) = (a.Affine.Apply(x, y, z), b.Affine.Apply(x, y, z));
            largest = Math.Max(largest, Math.Sqrt(
                Math.Pow(p.X - q.X, 2) + Math.Pow(p.Y - q.Y, 2) + Math.Pow(p.Z - q.Z, 2)));
        }
        return largest;
    }
}
