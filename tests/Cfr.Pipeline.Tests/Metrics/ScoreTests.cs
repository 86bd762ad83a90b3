using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Metrics;

public sealed class ScoreTests
{
    static readonly GridSize Size = new(4, 3, 2);

    [Fact]
    public void Of_equally_large_parts_the_first_in_array_order_is_kept()
    {
        var mask = new Mask(new GridSize(1, 1, 5), [true, true, false, true, true]);
        Assert.Equal([true, true, false, false, false], LargestComponent.Of(mask).Voxels);
        var none = new Mask(new GridSize(1, 1, 2), [false, false]);
        Assert.Equal(none.Voxels, LargestComponent.Of(none).Voxels);
    }

    [Fact]
    public void Means_and_sample_deviations_count_empty_cases_as_0()
    {
        ScoreSummary summary = ScoreSummary.Of(
        [
            new("a", [new(1, 5, 5, Dice: 0.5, Asd: 3), new(2, 4, 4, Dice: 1)]),
            new("b", [new(1, 5, 5, Dice: 0.9, Asd: 1), new(2, 4, 4, Dice: 0.4)]),
            new("c", [new(1, 0, 5), new(2, 7, 0)]),
        ]);
        Assert.Equal(1.4 / 3, summary.Classes[0].Metrics["dice"].Mean, 1e-15);
        Assert.Equal(Math.Sqrt((Math.Pow(0.5 - 1.4 / 3, 2) + Math.Pow(0.9 - 1.4 / 3, 2) + Math.Pow(1.4 / 3, 2)) / 2),
            summary.Classes[0].Metrics["dice"].Deviation!.Value, 1e-15);
        Assert.Equal(4.0 / 3, summary.Classes[0].Metrics["asd"].Mean, 1e-15);
        Assert.Equal((1, 0), (summary.Classes[0].EmptyPredictions, summary.Classes[0].EmptyTruths));
        Assert.Equal((0, 1), (summary.Classes[1].EmptyPredictions, summary.Classes[1].EmptyTruths));
        Assert.Equal((1.4 / 3 + 1.4 / 3) / 2, summary.Average.Metrics["dice"].Mean, 1e-15);
        Assert.Equal((1, 1), (summary.Average.EmptyPredictions, summary.Average.EmptyTruths));
    }

    [Fact]
    public void Sizes_and_classes_that_do_not_fit_are_named()
    {
        LabelMap small = Labels(Size, 0), large = Labels(new GridSize(4, 3, 3), 0), seventh = Labels(Size, 7);
        Assert.Equal("LA_1: the prediction is 4x3x2, the reference 4x3x3",
            Assert.Throws<BadDataException>(() => CaseScore.Of("LA_1", small, large, 2)).Message);
        Assert.Equal("LA_1: the reference has voxels of class 7; expected 0 to 1",
            Assert.Throws<BadDataException>(() => CaseScore.Of("LA_1", small, seventh, 2)).Message);
    }

    [Fact]
    public void A_class_that_stays_empty_is_reported_once()
    {
        var detector = new CollapseDetector(classes: 3, patience: 2);
        Assert.Empty(Observe(0, 5));
        Assert.Empty(Observe(3, 0));
        Assert.Empty(Observe(0, 1));
        Assert.Equal([1], Observe(0, 0));
        Assert.Equal([2], Observe(0, 0));
        Assert.Empty(Observe(0, 0));

        IReadOnlyList<int> Observe(long first, long second) => detector.Observe(
            [new("a", [new(1, first, 9), new(2, second, 9)]), new("b", [new(1, 0, 9), new(2, 0, 0)])]);
    }

    [Fact]
    public void A_class_that_no_reference_has_cannot_collapse()
    {
        var detector = new CollapseDetector(classes: 2, patience: 1);
        Assert.Empty(detector.Observe([new("a", [new(1, 0, 0)])]));
    }

    static LabelMap Labels(GridSize size, byte value)
    {
        byte[] voxels = new byte[size.Voxels];
        voxels[3] = value;
        return new LabelMap(Geometry.Unit(size), voxels);
    }
}
