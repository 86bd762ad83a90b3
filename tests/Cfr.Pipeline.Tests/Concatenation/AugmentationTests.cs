using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Tests.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Concatenation;

public sealed class AugmentationTests
{
    [Fact]
    public void Curves_are_those_of_100000_samples_with_lines_between_them()
    {
        double[] corners = [0, 1e-9, 0.3, 1 - 1e-9, 1];
        double worst = 0;
        foreach (double x1 in corners)
            foreach (double x2 in corners)
            {
                var curve = new BezierCurve(x1, 1 - x2, x2, 0.2);
                var (xs, ys) = Sampled(curve);
                for (double x = -0.1; x <= 1.1; x += 0.0137) worst = Math.Max(worst, Math.Abs(curve[x] - Interpolated(x, xs, ys)));
            }
        Assert.True(worst <= 1e-6, $"off by {worst:E1}");
    }

    [Theory, InlineData("cpu"), InlineData("emulated"), InlineData("cuda")]
    public void About_half_of_the_slices_are_changed_each_by_one_curve(string name)
    {
        using Device device = TestGpu.Open(name);
        var session = new Session(device);
        const int slices = 200, voxels = 30;
        float[] before = [.. Enumerable.Range(0, voxels * slices).Select(i => i / slices / 14f - 0.5f)];
        BezierCurve?[] curves = new GreyAugmentation().Draw(slices, new RandomNumbers(RandomKey.For(7, "test")));
        Assert.InRange(curves.Count(curve => curve is not null), 75, 125);
        float[] want = [.. before.Select((value, i) => curves[i % slices] is { } curve ? (float)curve[value] : value)];
        float[] got = GreyAugmentation.Apply(session.Tensor(before, [1, 6, 5, slices, 1]), curves).ToArray();
        Assert.Equal(want, got);
        for (int z = 0; z < slices; z++)
        {
            float[] slice = [.. Enumerable.Range(0, voxels).Select(i => got[i * slices + z])];
            if (curves[z] is null) continue;
            Assert.Equal(slice.Order(), slice);
            Assert.Equal((0, 1), (slice[0], slice[^1]));
        }
        Assert.Equal(new BezierCurve?[slices], new GreyAugmentation(0).Draw(slices, new RandomNumbers(RandomKey.For(7, "test"))));
        Assert.Throws<ArgumentException>(() => new GreyAugmentation(1.5f).Check());
        Assert.Throws<ArgumentException>(() => GreyAugmentation.Apply(session.Zeros([1, 6, 5, slices - 1, 1]), curves));
    }

    [Theory, MemberData(nameof(PatchDrawTests.Turns), MemberType = typeof(PatchDrawTests))]
    public void Canvases_turn_as_patches_do(int quarters, int axis)
    {
        using var device = Device.Open("cpu");
        var session = new Session(device);
        var turn = new RotateFlip(quarters, axis);
        const int size = 5;
        int[] canvases = [.. Enumerable.Range(0, 2 * size * size)], want = new int[canvases.Length];
        for (int i = 0; i < want.Length; i++)
        {
            var (x, y) = turn.Source(new(size, size, 1), i / size % size, i % size);
            want[i] = canvases[i / (size * size) * size * size + x * size + y];
        }
        Assert.Equal(want, turn.Apply(session.Labels(canvases, [2, size, size])).ToIntArray());
        Tensor images = session.Tensor([.. canvases.SelectMany(value => new float[] { value, -value })], [2, size, size, 2]);
        Assert.Equal(want.SelectMany(value => new float[] { value, -value }), turn.Apply(images).ToArray());
    }

    [Fact]
    public void The_configuration_is_json_in_words()
    {
        var read = ConfigurationFile.Parse<ConcatenationConfiguration>("x.json", """{ "layout": "paper", "scale": 3, "labelFiller": 0 }""");
        Assert.Equal(new ConcatenationConfiguration(MosaicLayout.Paper, 3, 0), read);
        Assert.Equal(
            new ConcatenationConfiguration(MosaicLayout.Release, null, 255),
            ConfigurationFile.Parse<ConcatenationConfiguration>("x.json", "{}"));
        Assert.Contains("expected one of release, paper", Assert.Throws<BadDataException>(
            () => ConfigurationFile.Parse<ConcatenationConfiguration>("x.json", """{ "layout": "cake" }""")).Message);
    }

    static (double[] X, double[] Y) Sampled(BezierCurve curve)
    {
        double[] xs = new double[100_000], ys = new double[100_000];
        for (int i = 0; i < xs.Length; i++)
        {
            double t = i / 99_999.0, a = 3 * (1 - t) * (1 - t) * t, b = 3 * (1 - t) * t * t;
            (xs[i], ys[i]) = (a * curve.X1 + b * curve.X2 + t * t * t, a * curve.Y1 + b * curve.Y2 + t * t * t);
        }
        Array.Sort(xs);
        Array.Sort(ys);
        return (xs, ys);
    }

    static double Interpolated(double x, double[] xs, double[] ys)
    {
        if (x <= xs[0]) return ys[0];
        if (x >= xs[^1]) return ys[^1];
        int after = Array.FindIndex(xs, value => value > x);
        return ys[after - 1] + (ys[after] - ys[after - 1]) * (x - xs[after - 1]) / (xs[after] - xs[after - 1]);
    }
}
