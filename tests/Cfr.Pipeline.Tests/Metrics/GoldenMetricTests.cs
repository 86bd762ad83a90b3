using System.Text.Json;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Metrics;

/// <summary>Scores against medpy's: tests/Golden/ssl/metrics.</summary>
public sealed class GoldenMetricTests : IDisposable
{
    const double Tolerance = 1e-9;

    readonly GoldenFile _file = new("ssl/metrics.safetensors");
    readonly JsonElement _expected =
        JsonDocument.Parse(File.ReadAllText(Golden.Path("ssl/metrics.json"))).RootElement;

    public void Dispose() => _file.Dispose();

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, 31)];

    [Theory, MemberData(nameof(Cases))]
    public void Pairs_of_masks_score_as_in_medpy(int index)
    {
        JsonElement want = _expected.GetProperty("cases")[index];
        LabelMap prediction = Labels($"{index:D2}.pred"), truth = Labels($"{index:D2}.gt");
        (double, double, double)? spacing = want.GetProperty("spacing") is { ValueKind: JsonValueKind.Array } s
            ? (s[0].GetDouble(), s[1].GetDouble(), s[2].GetDouble()) : null;
        Mask a = Mask.Of(prediction, 1), b = Mask.Of(truth, 1);
        Assert.Equal(want.GetProperty("pred_voxels").GetInt64(), a.Count);
        Assert.Equal(want.GetProperty("gt_voxels").GetInt64(), b.Count);
        long both = a.Voxels.Zip(b.Voxels).LongCount(pair => pair.First && pair.Second);
        Equal("dice", new Overlap(a.Count, b.Count, both).Dice);
        Equal("jaccard", new Overlap(a.Count, b.Count, both).Jaccard);

        ClassScore score = CaseScore.Of("case", prediction, truth, classes: 2, spacing).Classes.Single();
        if (want.GetProperty("asd_pred_to_gt").ValueKind == JsonValueKind.String)
        {
            Assert.Throws<ArgumentException>(() => SurfaceDistances.Between(a, b, spacing));
            Assert.Equal(new ClassScore(1, a.Count, b.Count), score);
            return;
        }
        var whole = SurfaceDistances.Between(a, b, spacing);
        Assert.Equal(want.GetProperty("pred_surface_voxels").GetInt32(), whole.PredictionSurface);
        Assert.Equal(want.GetProperty("gt_surface_voxels").GetInt32(), whole.TruthSurface);
        Equal("asd_pred_to_gt", whole.AverageToTruth);
        Equal("asd_pred_to_gt", score.Asd);
        Equal("asd_gt_to_pred", whole.AverageToPrediction);
        Equal("asd_gt_to_pred", score.AsdMirrored);
        Equal("assd", whole.AverageSymmetric);
        Equal("assd", score.Assd);
        Equal("hd95", whole.Hausdorff95);
        Equal("hd95", score.Hd95);
        Equal("hd", whole.Hausdorff);
        Equal("hd", score.Hd);
        JsonElement harness = want.GetProperty("harness_uamt");
        double[] tuple = [score.Dice, score.Jaccard, score.Hd95, score.Asd];
        for (int i = 0; i < 4; i++) Assert.Equal(harness[i].GetDouble(), tuple[i], Tolerance);

        void Equal(string name, double got) => Assert.Equal(want.GetProperty(name).GetDouble(), got, Tolerance);
    }

    [Fact]
    public void Classes_that_are_missing_on_either_side_score_0_and_count()
    {
        JsonElement want = _expected.GetProperty("multi_class");
        CaseScore got = CaseScore.Of("case", Labels("multi.pred"), Labels("multi.gt"), classes: 4);
        for (int c = 0; c < 3; c++)
        {
            JsonElement triple = want.GetProperty("dice_hd95_asd")[c];
            Assert.Equal(triple[0].GetDouble(), got.Classes[c].Dice, Tolerance);
            Assert.Equal(triple[1].GetDouble(), got.Classes[c].Hd95, Tolerance);
            Assert.Equal(triple[2].GetDouble(), got.Classes[c].Asd, Tolerance);
        }
        ScoreSummary summary = ScoreSummary.Of([got]);
        Assert.Equal(want.GetProperty("mean_dice").GetDouble(), summary.Average.Metrics["dice"].Mean, Tolerance);
        Assert.Equal(1, summary.Average.EmptyPredictions + summary.Average.EmptyTruths);
    }

    [Theory]
    [InlineData("lcc.largest_26conn", Connectivity.Corners), InlineData("lcc.largest_6conn", Connectivity.Faces)]
    public void Of_an_object_the_largest_connected_part_is_kept(string name, Connectivity connectivity) =>
        Assert.Equal(
            Mask.Of(Labels(name), 1).Voxels, LargestComponent.Of(Mask.Of(Labels("lcc.mask"), 1), connectivity).Voxels);

    LabelMap Labels(string name)
    {
        int[] size = [.. _file.Shape(name)];
        byte[] voxels = [.. _file.Values(name).Select(value => (byte)value)];
        return new LabelMap(Geometry.Unit(new GridSize(size[0], size[1], size[2])), voxels);
    }
}
