using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>The hundred LA cases: sizes and statistics as published with them.</summary>
public class LeftAtriumTests
{
    [Fact]
    public void All_cases_read_with_the_known_sizes_and_statistics()
    {
        string folder = RealData.Find("la") ?? "";
        Assert.SkipWhen(folder == "", "CFR_DATA names no folder with la");
        string[] files = [.. Directory.GetFiles(folder, "mri_norm2.h5", SearchOption.AllDirectories).Order()];
        Assert.Equal(100, files.Length);
        Case[] cases = [.. files.AsParallel().AsOrdered().Select(Measure)];

        Assert.Equal(242_841_896, cases.Sum(x => x.Size.Voxels));
        Assert.Equal((148, 244), (cases.Min(x => x.Size.X), cases.Max(x => x.Size.X)));
        Assert.Equal((132, 160), (cases.Min(x => x.Size.Y), cases.Max(x => x.Size.Y)));
        Assert.All(cases, x => Assert.Equal(88, x.Size.Z));
        Assert.Equal((190.5, 142.0), (Median(cases, x => x.Size.X), Median(cases, x => x.Size.Y)));
        Expect(cases, x => x.Mean, 0.047, 0.879, 1.939, 3);
        Expect(cases, x => x.Deviation, 0.309, 0.930, 1.663, 3);
        Expect(cases, x => x.Minimum, -1.017, -0.690, -0.444, 3);
        Expect(cases, x => x.Maximum, 2.77, 5.42, 17.11, 2);
        Expect(cases, x => x.Foreground, 76_299, 202_392, 540_939, 0);
    }

    static void Expect(Case[] cases, Func<Case, double> value, double least, double middle, double most, int digits) =>
        Assert.Equal((least, middle, most), (Math.Round(cases.Min(value), digits),
            Math.Round(Median(cases, value), digits), Math.Round(cases.Max(value), digits)));

    static double Median(Case[] cases, Func<Case, double> value)
    {
        double[] sorted = [.. cases.Select(value).Order()];
        return (sorted[49] + sorted[50]) / 2;
    }

    static Case Measure(string path)
    {
        Volume image = VolumeFile.Read(path);
        LabelMap label = VolumeFile.ReadLabels(path);
        Assert.Equal(image.Geometry, label.Geometry);
        Assert.DoesNotContain(label.Voxels, value => value > 1);
        double mean = image.Voxels.Sum(value => (double)value) / image.Voxels.Length;
        double variance = image.Voxels.Sum(value => (value - mean) * (value - mean)) / image.Voxels.Length;
        return new Case(image.Size, mean, Math.Sqrt(variance), image.Voxels.Min(), image.Voxels.Max(),
            label.Voxels.Count(value => value == 1));
    }

    sealed record Case(
        GridSize Size, double Mean, double Deviation, double Minimum, double Maximum, double Foreground);
}
