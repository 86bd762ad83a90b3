using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using Cfr.TestKit;
using Normalization = Cfr.Pipeline.Datasets.Normalization;

namespace Cfr.Pipeline.Tests.Inference;

public sealed class SegmentationTests : IDisposable
{
    static readonly SegmentationSettings Settings =
        new(new SlidingWindow(new(16, 16, 16), new(8, 8, 16)), Normalization.ZScore);

    readonly Device _device = Device.Open("cpu");
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_label_map_lies_exactly_on_its_scan_however_that_is_turned()
    {
        Geometry oblique = new(new(20, 9, 17), new(0.9, -0.1, 0.4, -10, 0.2, 1.1, -0.3, 20, -0.35, 0.25, -2.4, 5));
        string input = _folder.File("turned.nii.gz");
        VolumeFile.Write(input, Scan(oblique));
        SegmentedScan result = Segmentation(Settings).Run("turned", input, _folder.FullName + "/out");

        LabelMap labels = VolumeFile.ReadLabels(result.LabelPath);
        Assert.Equal(VolumeFile.Read(input).Geometry, labels.Geometry);
        Assert.Equal(2 * 1 * 2, result.Windows);
        Assert.Equal([labels.Voxels.LongCount(label => label == 0), labels.Voxels.LongCount(label => label == 1)], result.Voxels);
        Assert.All(result.Voxels, count => Assert.True(count > 0, "the random network found one class alone"));
    }

    [Fact]
    public void Probabilities_have_a_volume_for_each_class_and_the_labels_are_the_larger_ones()
    {
        string input = _folder.File("scan.nii");
        VolumeFile.Write(input, Scan(Geometry.Unit(new(16, 20, 16))));
        SegmentedScan result = Segmentation(Settings with { Probabilities = true }).Run("scan", input, _folder.FullName);
        Volume background = VolumeFile.Read(result.ProbabilityPath!, volume: 0), inside = VolumeFile.Read(result.ProbabilityPath!, volume: 1);
        byte[] labels = VolumeFile.ReadLabels(result.LabelPath).Voxels;
        for (int i = 0; i < labels.Length; i++)
        {
            Assert.Equal(1, background.Voxels[i] + inside.Voxels[i], 1e-5f);
            Assert.Equal(inside.Voxels[i] > background.Voxels[i] ? 1 : 0, labels[i]);
        }
    }

    [Fact]
    public void A_z_score_takes_out_the_scale_of_intensities()
    {
        Volume scan = Scan(Geometry.Unit(new(16, 16, 16)));
        var scaled = new Volume(scan.Geometry, Array.ConvertAll(scan.Voxels, voxel => 100 + 20 * voxel));
        Assert.Equal(Labels(scan, Settings), Labels(scaled, Settings));
        Assert.NotEqual(
            Labels(scan, Settings with { Normalization = Normalization.None }),
            Labels(scaled, Settings with { Normalization = Normalization.None }));

        byte[] Labels(Volume volume, SegmentationSettings settings)
        {
            string input = _folder.File("scaled.nii");
            VolumeFile.Write(input, volume);
            return VolumeFile.ReadLabels(Segmentation(settings).Run("result", input, _folder.FullName).LabelPath).Voxels;
        }
    }

    [Fact]
    public void Only_the_largest_part_can_be_kept()
    {
        string input = _folder.File("scan.nii");
        VolumeFile.Write(input, Scan(Geometry.Unit(new(16, 32, 16))));
        Segmenter network = Network();
        SegmentedScan first = new Segmentation(new VolumeNetwork(network), Settings with { Probabilities = true }).Run("p", input, _folder.FullName);
        // A bias that leaves a twentieth of the voxels to class 1: the peaks, which do not hang together.
        double[] odds = [.. VolumeFile.Read(first.ProbabilityPath!, volume: 1).Voxels.Select(p => Math.Log(p / (1 - p))).Order()];
        Tensor bias = network.Weights["out_conv.bias"];
        float[] values = bias.ToArray();
        bias.Set([values[0] + (float)odds[^(odds.Length / 20)], values[1]]);

        SegmentedScan all = new Segmentation(new VolumeNetwork(network), Settings).Run("all", input, _folder.FullName);
        SegmentedScan largest = new Segmentation(new VolumeNetwork(network), Settings with { LargestComponent = true }).Run("largest", input, _folder.FullName);
        Mask whole = Mask.Of(VolumeFile.ReadLabels(all.LabelPath), 1), kept = Mask.Of(VolumeFile.ReadLabels(largest.LabelPath), 1);
        Assert.Equal(LargestComponent.Of(whole).Voxels, kept.Voxels);
        Assert.InRange(largest.Voxels[1], 1, all.Voxels[1] - 1);
    }

    [Fact]
    public void Voxels_that_are_no_numbers_are_refused_and_nothing_is_written()
    {
        Volume scan = Scan(Geometry.Unit(new(16, 16, 16)));
        scan.Voxels[5] = float.NaN;
        string input = _folder.File("scan.nii");
        VolumeFile.Write(input, scan);
        string message = Assert.Throws<BadDataException>(
            () => Segmentation(Settings).Run("result", input, _folder.FullName)).Message;
        Assert.StartsWith($"{input}: voxel (0, 0, 5) is NaN", message);
        Assert.Equal(["scan.nii"], _folder.FileNames);
    }

    [Fact]
    public void Checkpoints_without_notes_are_run_as_published()
    {
        string model = Golden.Path("ssl/vnet_nf1_c2.pth");
        var settings = SegmentationSettings.For(NetworkFile.Describe(model), NetworkNotes.Read(model));
        Assert.Equal(new SlidingWindow(new(112, 112, 80), new(18, 18, 4)).Patch, settings.Windows.Patch);
        Assert.Equal(new GridSize(18, 18, 4), settings.Windows.Stride);
        Assert.Equal(Normalization.ZScore, settings.Normalization);
    }

    Segmentation Segmentation(SegmentationSettings settings) => new(new VolumeNetwork(Network()), settings);

    Segmenter Network() => NetworkFile.Load(new Session(_device), Golden.Path("ssl/vnet_nf1_c2.pth"));

    static Volume Scan(Geometry geometry) => new(geometry,
        [.. Enumerable.Range(0, (int)geometry.Size.Voxels).Select(i => (float)(Math.Sin(i * 0.37) + Math.Cos(i * 0.011)))]);
}
