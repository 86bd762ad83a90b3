using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Datasets;

public class DataSetCheckTests
{
    [Fact]
    public void Nothing_is_wrong_with_a_sound_data_set()
    {
        using var data = new SmallDataSet();
        IReadOnlyList<CaseFindings> found = Check(data);
        Assert.Equal(["a", "b", "c", "d"], found.Select(each => each.Name));
        Assert.Equal(["train", "train", "validation", "test"], found.Select(each => each.Split));
        Assert.All(found, each => Assert.Empty(each.Faults));
        float[] voxels = [.. SmallDataSet.Image(2).Voxels.Order()];
        Assert.Equal((voxels[0], voxels[^1]), (found[2].Intensities![0], found[2].Intensities![4]));
        Assert.Equal([1.0, 1, 2], found[2].Spacing);
        Assert.Equal("RAS", found[2].Orientation);
        Assert.Equal(SmallDataSet.Label(2).Voxels.LongCount(value => value == 1), found[2].Labels![1]);
    }

    [Fact]
    public void Every_fault_is_found_with_the_case_that_has_it()
    {
        using var data = new SmallDataSet();
        data.Write("a", SmallDataSet.Image(0, new(SmallDataSet.Size, Affine.Scaling(1, 1.5, 2))), SmallDataSet.Label(0));
        data.Write("b", SmallDataSet.Image(1, new(SmallDataSet.Size, Affine.Scaling(-1, 1, 2))), new LabelMap(SmallDataSet.Geometry, new byte[SmallDataSet.Size.Voxels]));
        LabelMap odd = SmallDataSet.Label(2);
        odd.Voxels[5] = 7;
        Volume holed = SmallDataSet.Image(2);
        holed.Voxels[8] = float.PositiveInfinity;
        data.Write("c", holed, odd);
        File.WriteAllBytes(data.Path("images/d.nii.gz"), [1, 2, 3]);

        IReadOnlyList<CaseFindings> found = Check(data);
        Expect(found[0], "voxels of 1 x 1.5 x 2 mm; expected 1 x 1 x 2", "mm off");
        Expect(found[1], "axes point LAS; expected RAS", "mm off", "all background");
        Expect(found[2], "is Infinity", "label 7");
        Expect(found[3], "images/d.nii.gz");
        Assert.Null(found[3].Size);
    }

    [Fact]
    public void The_same_scan_twice_is_a_fault_and_the_same_label_a_note()
    {
        using var data = new SmallDataSet();
        data.Write("d", SmallDataSet.Image(0), SmallDataSet.Label(1));
        IReadOnlyList<CaseFindings> found = Check(data);
        Expect(found[3], "the same voxels as case a");
        Assert.Equal(["the same label as case b"], found[3].Notes);
        Assert.Empty(found[0].Faults);
    }

    [Fact]
    public void What_is_unlike_the_other_cases_is_a_note()
    {
        using var data = new SmallDataSet(SmallDataSet.List.Replace("\"orientation\": \"RAS\",", "").Replace("\"spacing\": [1, 1, 2],", ""));
        Volume bright = SmallDataSet.Image(1, new(SmallDataSet.Size, Affine.Scaling(1, -1, 2)));
        for (int i = 0; i < bright.Voxels.Length; i++) bright.Voxels[i] *= 50;
        data.Write("b", bright, new LabelMap(bright.Geometry, [.. SmallDataSet.Label(1).Voxels.Select(value => (byte)(value == 2 ? 0 : value))]));
        File.Delete(data.Path("labels/d.nii.gz"));
        IReadOnlyList<CaseFindings> found = Check(data);
        Assert.All(found, each => Assert.Empty(each.Faults));
        Assert.Equal(3, found[1].Notes.Count);
        Assert.Contains("no spleen", found[1].Notes);
        Assert.Contains("axes point RPS, those of most cases RAS", found[1].Notes);
        Assert.Contains(found[1].Notes, note => note.StartsWith("intensities spread over"));
        Assert.Equal(["no label"], found[3].Notes);
    }

    static IReadOnlyList<CaseFindings> Check(SmallDataSet data) =>
        DataSetCheck.Run(DataSetFile.Open(data.Folder), threads: 2, cancel: TestContext.Current.CancellationToken);

    static void Expect(CaseFindings found, params string[] faults)
    {
        Assert.Equal(faults.Length, found.Faults.Count);
        Assert.All(faults, fault => Assert.Contains(found.Faults, each => each.Contains(fault)));
    }
}
