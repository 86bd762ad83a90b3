using System.Text.RegularExpressions;
using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// The left atrium in late gadolinium-enhanced MR (Atrial Segmentation Challenge 2018), as Yu et al. (UA-MT, 2019)
/// prepared it. From the challenge's NRRD (<c>CASE/lgemri.nrrd</c>, <c>CASE/laendo.nrrd</c>): the image is normalised
/// over the whole scan, then both are cropped in x and y to the label's box with random margins; all slices stay. Or from
/// the published result (<c>CASE/mri_norm2.h5</c>), which is copied as it is.
/// </summary>
/// <remarks>
/// The margins were random, so the published files cannot be made again bit for bit, and scans without a label have no
/// crop.
/// </remarks>
sealed partial class LeftAtrium : IRecipe
{
    const byte Foreground = 255;
    const double VoxelSize = 0.625;
    const int LeastMargin = 10, MarginEnd = 20;

    static readonly GridSize Patch = new(112, 112, 80);

    public string Signature => "la";

    public IReadOnlyList<Case> Find(string folder)
    {
        var published = RawFiles.ByCase(folder, PublishedFile());
        if (published.Count > 0) return [.. published.Select(file => new Case(file.Key, file.Value, file.Value))];
        return RawFiles.Pair(
            folder, RawFiles.ByCase(folder, ImageFile()), RawFiles.ByCase(folder, LabelFile()),
            "CASE/lgemri.nrrd and CASE/laendo.nrrd of the challenge, or CASE/mri_norm2.h5,");
    }

    public DataSetList Describe(IReadOnlyList<string> found) => new()
    {
        Name = "LA",
        Description = "Left atrium, Atrial Segmentation Challenge 2018, prepared as by UA-MT (Yu et al. 2019)",
        Classes = ["background", "left atrium"],
        Spacing = [VoxelSize, VoxelSize, VoxelSize],
        Normalization = Normalization.ZScore,
        Train = Splits.Read("la_train"),
        Test = Splits.Read("la_test"),
    };

    /// <summary>The published files in place, which say nothing of space.</summary>
    public static DataSet Described(string listPath) => new()
    {
        Name = "LA",
        ListPath = listPath,
        Classes = ["background", "left atrium"],
        Train = [],
    };

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var (image, stored) = RawFiles.Read(raw);
        if (raw.ImagePath == raw.LabelPath) return Placed(image, stored);

        var label = new LabelMap(stored.Geometry, [.. stored.Voxels.Select(value => (byte)(value == Foreground ? 1 : 0))]);
        VoxelBox box = Around(raw, label, new RandomNumbers(RandomKey.For(seed, $"margins of {raw.Name}")));
        ZScore.Apply(raw.ImagePath, image.Voxels);
        return (box.Cut(image), box.Cut(label));
    }

    /// <summary>
    /// In x and y, with min and max the label's first and last voxel, p = max(patch - (max - min), 0) div 2 and r a fresh
    /// draw of 10 .. 19 each: [max(min - r - p, 0), min(max + r + p, size)).
    /// </summary>
    internal static VoxelBox Around(Case raw, LabelMap label, RandomNumbers random)
    {
        if (VoxelBox.Around<byte>(label.Voxels, label.Size) is not { } box)
            throw new BadDataException($"{raw.LabelPath}: no voxel of {Foreground}; expected a label to crop around");
        var (x0, x1) = Range(box.X0, box.X1 - 1, Patch.X, label.Size.X);
        var (y0, y1) = Range(box.Y0, box.Y1 - 1, Patch.Y, label.Size.Y);
        return new(x0, y0, 0, x1, y1, label.Size.Z);

        (int, int) Range(int min, int max, int patch, int size)
        {
            int pad = Math.Max(patch - (max - min), 0) / 2;
            int start = Math.Max(min - random.Between(LeastMargin, MarginEnd) - pad, 0);
            return (start, Math.Min(max + random.Between(LeastMargin, MarginEnd) + pad, size));
        }
    }

    /// <summary>The published files have lost their place; the size of their voxels is known.</summary>
    static (Volume, LabelMap) Placed(Volume image, LabelMap label)
    {
        var geometry = new Geometry(image.Size, Affine.Scaling(VoxelSize, VoxelSize, VoxelSize)) { IsOriented = false };
        return (new Volume(geometry, image.Voxels), new LabelMap(geometry, label.Voxels));
    }

    [GeneratedRegex(@"(^|/)(?<case>[^/]+)/mri_norm2\.h5$")]
    private static partial Regex PublishedFile();

    [GeneratedRegex(@"(^|/)(?<case>[^/]+)/lgemri\.nrrd$")]
    private static partial Regex ImageFile();

    [GeneratedRegex(@"(^|/)(?<case>[^/]+)/laendo\.nrrd$")]
    private static partial Regex LabelFile();
}
