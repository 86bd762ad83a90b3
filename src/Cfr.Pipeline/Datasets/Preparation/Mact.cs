using System.Text.RegularExpressions;
using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// 8 organs in 90 abdominal CT scans (Gibson et al. 2018: reference segmentations of 43 scans of TCIA's Pancreas-CT and
/// 47 of BTCV). Below the folder: <c>label_tcia_multiorgan/label00NN.nii.gz</c>, <c>label_btcv_multiorgan/label00NN.nii.gz</c>
/// and, if wanted, <c>cropping.csv</c> of the release; the scans <c>PANCREAS_00NN.nii.gz</c> (converted from DICOM) and
/// <c>img00NN.nii.gz</c>.
/// </summary>
/// <remarks>
/// The 70 / 20 split is our own, drawn with a fixed seed from the sorted names: that of the papers was not published.
/// TCIA has withdrawn PANCREAS_0025; without it the split stays as it is, less that case.
/// </remarks>
sealed partial class Mact : IRecipe
{
    const int Cases = 90, Training = 70;
    const ulong SplitSeed = 1337;
    const string Withdrawn = "tcia_0025";

    /// <summary>Labels of the release that count, in the order of the classes 1 to 8.</summary>
    static readonly (byte Released, string Name)[] Organs =
    [
        (1, "spleen"), (3, "left kidney"), (4, "gallbladder"), (5, "oesophagus"), (6, "liver"), (7, "stomach"),
        (11, "pancreas"), (14, "duodenum"),
    ];

    const byte LastReleased = 14;

    CropTable? _boxes;

    public string Signature => "mact";

    public IReadOnlyList<Case> Find(string folder)
    {
        string? table = Directory.EnumerateFiles(folder, CropTable.FileName, SearchOption.AllDirectories).Order().FirstOrDefault();
        _boxes = table is null ? null : CropTable.Read(table);
        return [.. Of("tcia", TciaImage(), TciaLabel()), .. Of("btcv", BtcvImage(), BtcvLabel())];

        IEnumerable<Case> Of(string source, Regex image, Regex label)
        {
            var (images, labels) = (RawFiles.ByCase(folder, image), RawFiles.ByCase(folder, label));
            if (source == "tcia" && !images.ContainsKey(Withdrawn[^4..])) labels.Remove(Withdrawn[^4..]);
            return RawFiles.Pair(folder, images, labels, source == "tcia"
                ? "PANCREAS_00NN.nii.gz and label_tcia_multiorgan/label00NN.nii.gz"
                : "img00NN.nii.gz and label_btcv_multiorgan/label00NN.nii.gz")
                .Select(each => each with { Name = $"{source}_{each.Name}" });
        }
    }

    public DataSetList Describe(IReadOnlyList<string> found)
    {
        string[] names = [.. found.Append(Withdrawn).Distinct().Order(StringComparer.Ordinal)];
        if (names.Length != Cases)
            throw new BadDataException($"MACT: {found.Count} cases found; expected {Cases} (43 of TCIA and 47 of BTCV),"
                + $" or all but {Withdrawn}");
        int[] order = new RandomNumbers(RandomKey.For(SplitSeed, "MACT split")).Permutation(Cases);
        string[] shuffled = [.. order.Select(i => names[i])];
        return new DataSetList
        {
            Name = "MACT",
            Description = "8 abdominal organs in CT (Gibson et al. 2018); the split is CFR's own, drawn with seed 1337",
            Classes = ["background", .. Organs.Select(organ => organ.Name)],
            Spacing = [AbdominalCt.Spacing.X, AbdominalCt.Spacing.Y, AbdominalCt.Spacing.Z],
            Orientation = AbdominalCt.Orientation.Code,
            Normalization = Normalization.ZScore,
            Train = [.. shuffled[..Training].Where(found.Contains)],
            Test = [.. shuffled[Training..].Where(found.Contains)],
        };
    }

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var (image, label) = RawFiles.Read(raw);
        (image, label) = (image.Reorient(AbdominalCt.Orientation), label.Reorient(AbdominalCt.Orientation));
        label = new LabelMap(label.Geometry, Renumber(raw.LabelPath!, label.Voxels));
        if (_boxes?.For(raw, label) is { } box) (image, label) = (box.Cut(image), box.Cut(label));
        return AbdominalCt.Prepare(raw, image, label);
    }

    static byte[] Renumber(string path, byte[] released)
    {
        byte[] classOf = new byte[LastReleased + 1];
        for (int i = 0; i < Organs.Length; i++) classOf[Organs[i].Released] = (byte)(i + 1);
        return [.. released.Select(value => value <= LastReleased
            ? classOf[value]
            : throw new BadDataException($"{path}: label {value}; expected 0 to {LastReleased}"))];
    }

    [GeneratedRegex(@"(^|/)PANCREAS_(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex TciaImage();

    [GeneratedRegex(@"(^|/)label_tcia[^/]*/label(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex TciaLabel();

    [GeneratedRegex(@"(^|/)img(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex BtcvImage();

    [GeneratedRegex(@"(^|/)label_btcv[^/]*/label(?<case>\d{4})\.nii(\.gz)?$")]
    private static partial Regex BtcvLabel();
}
