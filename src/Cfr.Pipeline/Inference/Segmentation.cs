using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Normalization = Cfr.Pipeline.Datasets.Normalization;

namespace Cfr.Pipeline.Inference;

/// <summary>How scans are segmented: what is done to them before, by which windows, and what after.</summary>
/// <param name="Windows">Patch, stride, weights.</param>
/// <param name="Normalization">What is done to intensities.</param>
public sealed record SegmentationSettings(SlidingWindow Windows, Normalization Normalization)
{
    /// <summary>Keep only the largest connected part of each class.</summary>
    public bool LargestComponent { get; init; }

    /// <summary>Write the classes' probabilities, too.</summary>
    public bool Probabilities { get; init; }

    /// <summary>
    /// What fits a network: its notes; for checkpoints of other programs what was published with the architecture: V-Nets
    /// 112x112x80 with stride 18, 18, 4, U-Nets 96x96x96 with stride 64.
    /// </summary>
    public static SegmentationSettings For(NetworkConfiguration network, NetworkNotes notes)
    {
        bool isUNet = network.Architecture is Architecture.UNet3d or Architecture.DeepSupervisedUNet3d;
        GridSize patch = notes.Patch ?? (isUNet ? new(96, 96, 96) : new(112, 112, 80));
        GridSize published = isUNet ? new(64, 64, 64) : new(18, 18, 4);
        GridSize stride = notes.Stride ?? new(
            Math.Min(published.X, patch.X), Math.Min(published.Y, patch.Y), Math.Min(published.Z, patch.Z));
        return new(new SlidingWindow(patch, stride), notes.Normalization ?? Normalization.ZScore);
    }
}

/// <summary>One scan segmented: where its label map is, and what is in it.</summary>
/// <param name="Name">The case.</param>
/// <param name="Input">The scan's file.</param>
/// <param name="LabelPath">The label map's file.</param>
/// <param name="ProbabilityPath">The probabilities' file, if they were wanted.</param>
/// <param name="Size">Voxels along each axis.</param>
/// <param name="Windows">Number of windows.</param>
/// <param name="Voxels">Voxels of each class, the background first.</param>
public sealed record SegmentedScan(
    string Name, string Input, string LabelPath, string? ProbabilityPath, GridSize Size, int Windows,
    IReadOnlyList<long> Voxels);

/// <summary>Segments files with a network, and writes label maps that lie exactly on their scans.</summary>
/// <param name="network">The network, in evaluation mode.</param>
/// <param name="settings">How.</param>
public sealed class Segmentation(IVolumeNetwork network, SegmentationSettings settings)
{
    const string ProbabilityFolder = "probabilities";

    /// <summary>Segments a scan and writes <c>OUT/NAME.nii.gz</c>.</summary>
    /// <param name="name">The case.</param>
    /// <param name="input">Its file, of any format.</param>
    /// <param name="folder">Where results go.</param>
    /// <param name="progress">Told the number of windows done and of all windows.</param>
    /// <exception cref="BadDataException">The file cannot be read, or has voxels that are no numbers.</exception>
    public SegmentedScan Run(string name, string input, string folder, Action<int, int>? progress = null)
    {
        Volume scan = VolumeFile.Read(input);
        CaseReader.CheckNumbers(input, scan);
        if (settings.Normalization == Normalization.ZScore) ZScore.Apply(input, scan.Voxels);
        Prediction prediction = settings.Windows.Predict(
            network.Weights.Session, network.Logits, scan, settings.Probabilities, progress);
        LabelMap labels = prediction.Labels;
        if (settings.LargestComponent) KeepLargest(labels);

        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"{name}.nii.gz");
        string? probabilities = null;
        if (settings.Probabilities)
        {
            probabilities = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, ProbabilityFolder)).FullName, $"{name}.nii.gz");
            VolumeFile.WriteMaps(probabilities, scan.Geometry, prediction.Probabilities(), prediction.Classes);
        }
        VolumeFile.Write(path, labels);
        long[] voxels = new long[Math.Max(2, prediction.Classes)];
        foreach (byte label in labels.Voxels) voxels[label]++;
        return new(name, input, path, probabilities, scan.Size, settings.Windows.Windows(scan.Size), voxels);
    }

    static void KeepLargest(LabelMap labels)
    {
        foreach (byte value in labels.Voxels.Distinct().Where(value => value > 0).ToArray())
        {
            Mask all = Mask.Of(labels, value), kept = Metrics.LargestComponent.Of(all);
            for (int i = 0; i < labels.Voxels.Length; i++)
                if (all.Voxels[i] && !kept.Voxels[i]) labels.Voxels[i] = 0;
        }
    }
}
