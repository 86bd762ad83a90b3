using System.Globalization;
using System.Text.RegularExpressions;
using Cfr.Pipeline.Report;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Report;

public partial class DrawingTests
{
    [Fact]
    public void A_contour_runs_along_every_edge_between_different_pixels_and_no_other()
    {
        byte[,] labels = new byte[9, 7];
        var random = new Random(5);
        for (int row = 0; row < 9; row++)
            for (int column = 0; column < 7; column++) labels[row, column] = (byte)random.Next(3);
        var want = new SortedSet<string>();
        for (int row = -1; row < 9; row++)
            for (int column = -1; column < 7; column++)
            {
                if (column >= 0 && At(row, column) != At(row + 1, column)) want.Add($"h {column} {row + 1}");
                if (row >= 0 && At(row, column) != At(row, column + 1)) want.Add($"v {column + 1} {row}");
            }
        Assert.Equal(want, new SortedSet<string>(Edges(Contours.Path(labels))));
        Assert.Equal("", Contours.Path(new byte[4, 4]));

        byte At(int row, int column) => row is < 0 or > 8 || column is < 0 or > 6 ? (byte)0 : labels[row, column];
    }

    [Theory]
    [InlineData("RAS")]
    [InlineData("LPS")]
    [InlineData("SAL")]
    [InlineData("PIR")]
    public void Front_and_head_are_up_and_the_patients_right_is_left_however_the_array_lies(string code)
    {
        var orientation = Orientation.Parse(code);
        GridSize size = new(3, 4, 5);
        foreach (SlicePlane plane in SlicePlane.Of(orientation))
        {
            string letters = Letters(plane);
            Assert.Equal(plane.Name switch { "axial" => "R A", "coronal" => "R S", _ => "A S" }, letters);
            int[,] slice = plane.Cut([.. Enumerable.Range(0, 60)], size, 1);
            Assert.Equal(plane.SizeOf(size), (slice.GetLength(0), slice.GetLength(1)));
            Assert.Equal(slice.Length, slice.Cast<int>().Distinct().Count());
            Assert.All(slice.Cast<int>(), place => Assert.Equal(1, Index(size.IndexOf(place), plane.Axis)));
            // From one column to the next the index of that axis changes by one, in the direction that was promised.
            int step = Index(size.IndexOf(slice[0, 1]), plane.Right) - Index(size.IndexOf(slice[0, 0]), plane.Right);
            Assert.Equal(plane.FlipRight ? -1 : 1, step);
        }

        // The letters of the left and the upper side.
        string Letters(SlicePlane plane) => $"{Side(plane.Right, plane.FlipRight)} {Side(plane.Down, plane.FlipDown)}";

        char Side(int axis, bool isFlipped) => isFlipped ? code[axis] : "RASLPI"[("RASLPI".IndexOf(code[axis]) + 3) % 6];
    }

    [Fact]
    public void A_plane_goes_where_the_object_is_largest()
    {
        var label = new LabelMap(Geometry.Unit(new(3, 4, 5)), new byte[60]);
        SlicePlane axial = SlicePlane.Of(Orientation.Ras)[0];
        Assert.Equal(2, axial.Fullest(label));
        label.Voxels[4] = label.Voxels[9] = label.Voxels[0] = 1;
        Assert.Equal(4, axial.Fullest(label));
    }

    [Fact]
    public void A_smoothed_curve_is_the_mean_of_the_last_fiftieth_of_steps()
    {
        var curve = new LearningCurve([.. Enumerable.Range(1, 150).Select(i => ((long)i, (double)(i % 3)))], []);
        Assert.Equal([(1, 1), (2, 1.5), (3, 1), (4, 1)], curve.Smoothed().Take(4));
        Assert.Equal((150, 1.0), curve.Smoothed()[^1]);
    }

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(99.9, "99.9 s")]
    [InlineData(125, "2 min 05 s")]
    [InlineData(3599.7, "1 h 00 min")]
    public void Times_are_written_for_people(double seconds, string text) => Assert.Equal(text, Number.Time(seconds));

    static int Index((int X, int Y, int Z) at, int axis) => axis switch { 0 => at.X, 1 => at.Y, _ => at.Z };

    /// <summary>Runs of a path, edge by edge.</summary>
    static IEnumerable<string> Edges(string path)
    {
        foreach (Match run in Run().Matches(path))
        {
            int column = Value(1), row = Value(2), length = Value(4);
            for (int i = 0; i < length; i++)
                yield return run.Groups[3].Value == "h" ? $"h {column + i} {row}" : $"v {column} {row + i}";

            int Value(int group) => int.Parse(run.Groups[group].Value, CultureInfo.InvariantCulture);
        }
    }

    [GeneratedRegex("M(\\d+) (\\d+)([hv])(\\d+)")]
    private static partial Regex Run();
}
