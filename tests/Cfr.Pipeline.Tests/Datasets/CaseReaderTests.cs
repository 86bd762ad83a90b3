using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Datasets;

public class CaseReaderTests
{
    [Fact]
    public void Intensities_are_normalised_over_the_volume_or_left_alone()
    {
        using var data = new SmallDataSet();
        DataSet set = DataSetFile.Open(data.Folder);
        float[] stored = SmallDataSet.Image(1).Voxels;
        double mean = stored.Average(value => (double)value), deviation = Math.Sqrt(stored.Average(value => (value - mean) * (value - mean)));
        float[] normalised = set.Read(set.Train[1]).Image;
        double worst = stored.Zip(normalised, (a, b) => Math.Abs((a - mean) / deviation - b)).Max();
        Assert.True(worst < 1e-6, $"worst difference {worst}");
        Assert.Equal(stored, (set with { Normalization = Normalization.None }).Read(set.Train[1]).Image);
    }

    [Fact]
    public void A_label_of_another_shape_is_named() => Expect(
        data => data.Write("b", SmallDataSet.Image(1), SmallDataSet.Label(1, SmallDataSet.Geometry with { Size = new(9, 8, 6) })),
        "labels/b.nii.gz", "9x8x6", "expected 9x8x7");

    [Fact]
    public void A_label_that_lies_elsewhere_is_named() => Expect(
        data => data.Write("b", SmallDataSet.Image(1), SmallDataSet.Label(1, new(SmallDataSet.Size, new(1, 0, 0, 3, 0, 1, 0, 4, 0, 0, 2, 0)))),
        "labels/b.nii.gz", "5 mm");

    [Fact]
    public void A_label_less_than_half_a_voxel_off_is_taken()
    {
        using var data = new SmallDataSet();
        data.Write("b", SmallDataSet.Image(1), SmallDataSet.Label(1, new(SmallDataSet.Size, new(1, 0, 0, 0.4, 0, 1, 0, 0, 0, 0, 2, 0))));
        DataSet set = DataSetFile.Open(data.Folder);
        Assert.NotNull(set.Read(set.Train[1]).Label);
    }

    [Fact]
    public void A_value_that_is_no_class_is_named() => Expect(
        data =>
        {
            LabelMap label = SmallDataSet.Label(1);
            label.Voxels[(2 * 8 + 3) * 7 + 4] = 9;
            data.Write("b", SmallDataSet.Image(1), label);
        },
        "labels/b.nii.gz", "label 9 at voxel (2, 3, 4)", "expected 0 to 2");

    [Fact]
    public void A_voxel_that_is_no_number_is_named() => Expect(
        data =>
        {
            Volume image = SmallDataSet.Image(1);
            image.Voxels[(1 * 8 + 2) * 7 + 3] = float.NaN;
            data.Write("b", image, SmallDataSet.Label(1));
        },
        "images/b.nii.gz", "voxel (1, 2, 3) is NaN");

    [Fact]
    public void An_image_without_contrast_is_named() => Expect(
        data => data.Write("b", new Volume(SmallDataSet.Geometry, new float[SmallDataSet.Size.Voxels]), SmallDataSet.Label(1)),
        "images/b.nii.gz", "every voxel is 0");

    [Fact]
    public void A_truncated_file_is_named() => Expect(
        data =>
        {
            byte[] bytes = File.ReadAllBytes(data.Path("images/b.nii.gz"));
            File.WriteAllBytes(data.Path("images/b.nii.gz"), bytes[..(bytes.Length / 2)]);
        },
        "images/b.nii.gz");

    /// <summary>Loading the cases before a training finds the fault of case b, in one line.</summary>
    static void Expect(Action<SmallDataSet> damage, string file, params string[] parts)
    {
        using var data = new SmallDataSet();
        damage(data);
        DataSet set = DataSetFile.Open(data.Folder);
        string message = Assert.Throws<BadDataException>(
            () => set.Store().Load(set.Train, threads: 2, cancel: TestContext.Current.CancellationToken)).Message;
        Assert.StartsWith(data.Path(file) + ":", message);
        Assert.DoesNotContain('\n', message);
        Assert.All(parts, part => Assert.Contains(part, message));
    }
}
