using System.Text.RegularExpressions;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// 13 organs in 30 abdominal CT scans (Beyond the Cranial Vault): <c>img00NN.nii.gz</c>, <c>label00NN.nii.gz</c>, split as
/// by MagicNet (Chen et al. 2023); the training list is in the order into which its code shuffles it before it takes the
/// first L as labelled.
/// </summary>
sealed partial class Btcv : IRecipe
{
    static readonly string[] Organs =
    [
        "spleen", "right kidney", "left kidney", "gallbladder", "oesophagus", "liver", "stomach", "aorta",
        "inferior vena cava", "portal and splenic veins", "pancreas", "right adrenal gland", "left adrenal gland",
    ];

    public string Signature => "btcv";

    public IReadOnlyList<Case> Find(string folder) => RawFiles.Pair(
        folder, RawFiles.ByCase(folder, ImageFile()), RawFiles.ByCase(folder, LabelFile()),
        "img00NN.nii.gz and label00NN.nii.gz");

    public DataSetList Describe(IReadOnlyList<string> found) => new()
    {
        Name = "BTCV",
        Description = "13 abdominal organs in CT, Beyond the Cranial Vault, split as by MagicNet (Chen et al. 2023)",
        Classes = ["background", .. Organs],
        Spacing = [AbdominalCt.Spacing.X, AbdominalCt.Spacing.Y, AbdominalCt.Spacing.Z],
        Orientation = AbdominalCt.Orientation.Code,
        Normalization = Normalization.ZScore,
        Train = Splits.Read("btcv_train"),
        Test = Splits.Read("btcv_test"),
    };

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var (image, label) = RawFiles.Read(raw);
        int unknown = label.Voxels.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)Organs.Length);
        if (unknown >= 0)
            throw new BadDataException($"{raw.LabelPath}: label {label.Voxels[unknown]}; expected 0 to {Organs.Length}");
        return AbdominalCt.Prepare(raw, image.Reorient(AbdominalCt.Orientation), label.Reorient(AbdominalCt.Orientation));
    }

    [GeneratedRegex(@"(^|/)img(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex ImageFile();

    [GeneratedRegex(@"(^|/)label(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex LabelFile();
}
