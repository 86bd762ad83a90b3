using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Metrics;

public sealed class DistanceTransformTests
{
    const double Tolerance = 1e-12;

    [Fact]
    public void Distances_are_those_of_a_search_through_all_object_voxels()
    {
        var random = new Random(1);
        double worst = 0;
        for (int round = 0; round < 300; round++)
        {
            Mask mask = RandomMask(random);
            (double, double, double)? spacing = round % 3 == 0 ? null : (Step(), Step(), Step());
            double[] got = DistanceTransform.Squared(mask, spacing), want = Search(mask, spacing ?? (1, 1, 1));
            for (int i = 0; i < got.Length; i++)
            {
                if (double.IsPositiveInfinity(want[i])) Assert.Equal(want[i], got[i]);
                else worst = Math.Max(worst, Math.Abs(got[i] - want[i]) / Math.Max(want[i], 1));
            }
            if (spacing is null) Assert.Equal(want, got);
        }
        Assert.True(worst < Tolerance, $"worst error {worst:E1}");

        double Step() => 0.2 + 4 * random.NextDouble();
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        var random = new Random(2);
        Mask mask = RandomMask(random, new GridSize(31, 17, 23), 0.01);
        double[] one = DistanceTransform.Squared(mask, (0.7, 1.3, 2.9), threads: 1);
        Assert.Equal(one, DistanceTransform.Squared(mask, (0.7, 1.3, 2.9), threads: 4));
    }

    [Fact]
    public void Without_an_object_everything_is_infinitely_far()
    {
        var mask = new Mask(new GridSize(3, 4, 5), new bool[60]);
        Assert.All(DistanceTransform.Squared(mask), distance => Assert.Equal(double.PositiveInfinity, distance));
    }

    [Theory, InlineData(0, 1, 1), InlineData(1, -1, 1), InlineData(1, 1, double.NaN), InlineData(1, double.PositiveInfinity, 1)]
    public void A_spacing_must_be_positive(double x, double y, double z) =>
        Assert.Throws<ArgumentException>(() => DistanceTransform.Squared(new Mask(new GridSize(1, 1, 1), [true]), (x, y, z)));

    static Mask RandomMask(Random random) => RandomMask(
        random, new GridSize(random.Next(1, 12), random.Next(1, 12), random.Next(1, 20)), Math.Pow(random.NextDouble(), 4));

    static Mask RandomMask(Random random, GridSize size, double density) =>
        new(size, [.. Enumerable.Range(0, (int)size.Voxels).Select(_ => random.NextDouble() < density)]);

    static double[] Search(Mask mask, (double X, double Y, double Z) spacing)
    {
        var all = Enumerable.Range(0, mask.Voxels.Length)
            .Select(i => (X: i / (mask.Size.Y * mask.Size.Z), Y: i / mask.Size.Z % mask.Size.Y, Z: i % mask.Size.Z)).ToArray();
        var inside = all.Where((_, i) => mask.Voxels[i]).ToArray();
        return [.. all.Select(a => inside.Select(b =>
        {
            double x = spacing.X * (a.X - b.X), y = spacing.Y * (a.Y - b.Y), z = spacing.Z * (a.Z - b.Z);
            return x * x + y * y + z * z;
        }).DefaultIfEmpty(double.PositiveInfinity).Min())];
    }
}
