using System.Text.RegularExpressions;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Whole tumour on T2-FLAIR (BraTS 2019 training cases), as SSL4MIS (Luo) prepared it: crop to the box of voxels that
/// are not zero, the last plane of each axis excluded; clip what is brighter than 99.9 % of the crop; normalise by mean
/// and deviation of the voxels above 0; label = any tumour.
/// </summary>
sealed partial class Brats2019 : IRecipe
{
    const double Share = 0.999;

    public string Signature => "brats2019";

    public IReadOnlyList<Case> Find(string folder) => RawFiles.Pair(
        folder, RawFiles.ByCase(folder, ImageFile()), RawFiles.ByCase(folder, LabelFile()),
        "CASE_flair.nii.gz and CASE_seg.nii.gz");

    public DataSetList Describe(IReadOnlyList<string> found) => new()
    {
        Name = "BraTS2019",
        Description = "Whole tumour on T2-FLAIR, BraTS 2019, prepared and split as by SSL4MIS",
        Classes = ["background", "tumour"],
        Spacing = [1, 1, 1],
        Normalization = Normalization.ZScore,
        Train = Splits.Read("brats2019_train"),
        Validation = Splits.Read("brats2019_validation"),
        Test = Splits.Read("brats2019_test"),
    };

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var (image, label) = RawFiles.Read(raw);
        if (VoxelBox.Around<float>(image.Voxels, image.Size) is not { } box)
            throw new BadDataException($"{raw.ImagePath}: every voxel is 0; expected an image");
        box = box with { X1 = box.X1 - 1, Y1 = box.Y1 - 1, Z1 = box.Z1 - 1 };
        if (box.Size.Voxels == 0)
            throw new BadDataException($"{raw.ImagePath}: one plane alone is not 0; expected a volume");
        (image, label) = (box.Cut(image), box.Cut(label));

        float top = Level(image.Voxels, Share);
        for (int i = 0; i < image.Voxels.Length; i++) image.Voxels[i] = MathF.Min(image.Voxels[i], top);
        ZScore.Apply(raw.ImagePath, image.Voxels, ZScore.Moments(image.Voxels, above: 0));
        for (int i = 0; i < label.Voxels.Length; i++) label.Voxels[i] = Math.Min(label.Voxels[i], (byte)1);
        return (image, label);
    }

    /// <summary>The least intensity that this share of the voxels does not exceed.</summary>
    internal static float Level(float[] voxels, double share)
    {
        float[] sorted = [.. voxels];
        Array.Sort(sorted);
        int count = Math.Max(1, (int)(share * sorted.Length));
        while ((double)count / sorted.Length < share) count++;
        return sorted[count - 1];
    }

    [GeneratedRegex(@"(^|/)(?<case>[^/]+)_flair\.nii(\.gz)?$")]
    private static partial Regex ImageFile();

    [GeneratedRegex(@"(^|/)(?<case>[^/]+)_seg\.nii(\.gz)?$")]
    private static partial Regex LabelFile();
}
