using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

public class DataSetFileTests
{
    [Fact]
    public void A_list_with_comments_opens_and_names_its_cases()
    {
        using var data = new SmallDataSet();
        DataSet set = DataSetFile.Open(data.Folder);
        Assert.Equal(("small", 3, "RAS", "xyz", Normalization.ZScore), (set.Name, set.Classes.Count, set.Orientation, set.Axes, set.Normalization));
        Assert.Equal([1.0, 1, 2], set.Spacing);
        Assert.Equal("a b | c | d", $"{Names(set.Train)} | {Names(set.Validation)} | {Names(set.Test)}");
        Assert.Equal(data.Path("labels/b.nii.gz"), set.Train[1].LabelPath);
        Assert.Equal(set.Name, DataSetFile.Open(data.Path("dataset.json")).Name);
    }

    [Fact]
    public void The_first_cases_are_labelled_and_the_labels_of_the_others_hidden()
    {
        using var data = new SmallDataSet();
        File.Delete(data.Path("labels/b.nii.gz"));
        DataSet set = DataSetFile.Open(data.Folder);
        Assert.Equal("a", Names(set.Labelled(1)));
        Case b = Assert.Single(set.Unlabelled(1));
        Assert.Equal(("b", null), (b.Name, b.LabelPath));
        Assert.Contains("case b", Assert.Throws<BadDataException>(() => set.Labelled(2)).Message);
        Assert.Contains("2 training cases", Assert.Throws<ArgumentException>(() => set.Labelled(3)).Message);
        Assert.Null(Assert.Single(set.Unlabelled(1)).LabelPath);
    }

    [Theory]
    [InlineData("\"name\": \"small\",", "", "'name'")]
    [InlineData("\"spacing\"", "\"spacings\"", "'spacings'")]
    [InlineData("[1, 1, 2]", "[1, 1]", "spacing [1, 1]")]
    [InlineData("[1, 1, 2]", "[1, 1, 0]", "spacing [1, 1, 0]")]
    [InlineData("\"RAS\"", "\"RAL\"", "RAL")]
    [InlineData("\"RAS\"", "\"RAS\", \"axes\": \"xyy\"", "axes 'xyy'")]
    [InlineData("\"RAS\"", "\"RAS\", \"normalization\": \"log\"", "normalization")]
    [InlineData("\"RAS\"", "\"RAS\", \"images\": \"scan.nii\"", "scan.nii")]
    [InlineData("\"liver\", \"spleen\"", "", "1 classes")]
    [InlineData("\"liver\", \"spleen\"", "\"liver\", \"liver\"", "'liver' is named twice")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"d\"]", "case d is listed twice")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"e\"]", "case e")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"b\"", "line")]
    public void A_list_that_makes_no_sense_is_refused_in_one_line_that_says_why(string part, string instead, string why)
    {
        Assert.Contains(part, SmallDataSet.List);
        using var data = new SmallDataSet(SmallDataSet.List.Replace(part, instead));
        string message = Assert.Throws<BadDataException>(() => DataSetFile.Open(data.Folder)).Message;
        Assert.StartsWith(data.Path("dataset.json") + ":", message);
        Assert.Contains(why, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_folder_without_a_list_says_what_is_expected()
    {
        using var empty = new TemporaryFolder();
        Assert.Contains("expected a dataset.json", Assert.Throws<BadDataException>(() => DataSetFile.Open(empty.FullName)).Message);
    }

    [Fact]
    public void Axes_in_another_order_are_brought_to_x_y_z()
    {
        using var data = new SmallDataSet(SmallDataSet.List.Replace("\"RAS\"", "\"RAS\", \"axes\": \"zyx\", \"normalization\": \"none\""));
        Volume stored = SmallDataSet.Image(0);
        DataSet set = DataSetFile.Open(data.Folder);
        LoadedCase loaded = set.Read(set.Train[0]);
        Assert.Equal(new GridSize(7, 8, 9), loaded.Geometry.Size);
        Assert.Equal((2.0, 1.0, 1.0), loaded.Geometry.Spacing);
        var turned = new Volume(loaded.Geometry, loaded.Image);
        for (int x = 0; x < 7; x++)
            for (int y = 0; y < 8; y++)
                for (int z = 0; z < 9; z++) Assert.Equal(stored[z, y, x], turned[x, y, z]);
        Assert.Equal(SmallDataSet.Label(0)[3, 2, 1], loaded.Label![(1 * 8 + 2) * 9 + 3]);
    }

    [Fact]
    public void Published_left_atrium_cases_open_where_they_are()
    {
        string folder = RealData.Find("la") ?? "";
        Assert.SkipWhen(folder == "", "CFR_DATA names no folder with la");
        DataSet set = DataSetFile.Open(folder);
        Assert.Equal((80, 20, 2), (set.Train.Count, set.Test.Count, set.Classes.Count));
        Assert.Equal(new LeftAtrium().Describe([]).Train, set.Train.Select(each => each.Name));
        Assert.Equal(new LeftAtrium().Describe([]).Test, set.Test.Select(each => each.Name));

        CaseStore store = set.Store();
        IReadOnlyList<Case> cases = [.. set.Labelled(2), .. set.Unlabelled(78)];
        store.Load(cases, threads: 2, cancel: TestContext.Current.CancellationToken);
        foreach (Case each in cases)
        {
            LoadedCase loaded = store.Get(each);
            Assert.Equal(each.LabelPath is not null, loaded.Label is not null);
            var (mean, deviation) = ZScore.Moments(loaded.Image, float.NegativeInfinity);
            Assert.Equal((0.0, 1.0), (Math.Round(mean, 5), Math.Round(deviation, 5)));
            Assert.Equal(default, Crop.PaddingOf(loaded.Geometry.Size, new(112, 112, 80)));
        }
        using var loader = new BatchLoader(cases, store, new TwoStreamSampler(2, 2, 2, 2, 1), new(new(112, 112, 80), true), 1);
        using Batch batch = loader.Next(TestContext.Current.CancellationToken);
        int half = batch.Labels.Length / 2;
        Assert.True(batch.Labels[..half].ContainsAnyExcept(0) && !batch.Labels[..half].ContainsAnyExcept(0, 1));
        Assert.False(batch.Labels[half..].ContainsAnyExcept(Batch.Unknown));
    }

    static string Names(IEnumerable<Case> cases) => string.Join(' ', cases.Select(each => each.Name));
}
