using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Volumes;

public class IntensitiesTests
{
    static readonly double[] Percents = [0, 0.5, 13, 50, 99.5, 100];

    [Fact]
    public void Percentiles_are_those_of_the_sorted_voxels()
    {
        var random = new Random(5);
        float[] voxels = [.. Enumerable.Range(0, 5001).Select(i => (float)(random.NextDouble() * 20 - 10) * (i % 3))];
        float[] sorted = [.. voxels.Order()];
        foreach (var (percent, value) in Intensities.Of(voxels, Percents).Percentiles)
        {
            double rank = percent / 100 * 5000;
            double after = sorted[Math.Min((int)rank + 1, 5000)], before = sorted[(int)rank];
            Assert.Equal(before + (after - before) * (rank - (int)rank), value, 12);
        }
    }

    [Fact]
    public void What_is_not_finite_is_counted_and_left_out()
    {
        const float nan = float.NaN, infinity = float.PositiveInfinity;
        var found = Intensities.Of([1, nan, 4, infinity, nan, -infinity, -2], 50);
        Assert.Equal((2, 2), (found.NaN, found.Infinite));
        Assert.Equal((-2f, 4f, 1.0), (found.Minimum, found.Maximum, found.Mean));
        Assert.Equal(Math.Sqrt(6), found.Deviation, 12);
        Assert.Equal([(50.0, 1.0)], found.Percentiles);
        Assert.Null(found.Classes);
        Assert.True(double.IsNaN(Intensities.Of([float.NaN], 50).Mean));
    }

    [Fact]
    public void Classes_are_counted_where_all_voxels_are_whole()
    {
        var counts = new Dictionary<int, long> { [0] = 2, [3] = 1, [255] = 1 };
        Assert.Equal(counts, Intensities.Of([0, 3, -0f, 255]).Classes);
        Assert.Null(Intensities.Of([0, 256]).Classes);
        Assert.Null(Intensities.Of([0, 0.5f]).Classes);
        Assert.Null(Intensities.Of([0, -1]).Classes);
    }
}
