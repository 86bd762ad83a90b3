using Cfr.Pipeline.Images;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr concat</c> as a user runs it.</summary>
public sealed class ConcatTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Slices_lie_side_by_side_and_the_label_of_the_file_is_drawn_over_them()
    {
        // 2 x 2 tiles of 10 x 12 voxels; slices grow brighter, the label is a block of 4 x 5 x 3 voxels.
        GridSize size = new(10, 12, 4);
        float[] voxels = new float[size.Voxels];
        byte[] classes = new byte[size.Voxels];
        for (int i = 0; i < voxels.Length; i++)
        {
            var (x, y, z) = size.IndexOf(i);
            voxels[i] = z;
            classes[i] = (byte)(x is >= 2 and < 6 && y is >= 3 and < 8 && z < 3 ? 2 : 0);
        }
        Geometry geometry = Geometry.Unit(size);
        string scan = _folder.File("scan.h5"), png = _folder.File("mosaic.png");
        VolumeFile.WriteCase(scan, new Volume(geometry, voxels), new LabelMap(geometry, classes));

        var (code, output, errors) = CfrProcess.Run("concat", scan, "--out", png, "--image-size", "24", "--no-label");
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("24x24 pixels, slices 0 to 3 of the patch 10x12x4", output);
        RgbImage image = RgbImage.Read(png);
        Assert.Equal((24, 24), (image.Height, image.Width));
        byte[] tiles = [image[0, 1][0], image[11, 22][0], image[12, 1][0], image[23, 22][0]];
        Assert.Equal([0, 85, 170, 255], tiles);
        Assert.All(Enumerable.Range(0, 24), row => Assert.Equal(128, image[row, 0][0]));

        (code, _, errors) = CfrProcess.Run("concat", scan, "--out", png, "--image-size", "24");
        Assert.Equal((0, ""), (code, errors));
        RgbImage labelled = RgbImage.Read(png);
        int coloured = Enumerable.Range(0, 24 * 24).Count(i => labelled[i / 24, i % 24].ToArray().Distinct().Count() > 1);
        Assert.Equal(3 * 4 * 5, coloured);
        Assert.NotEqual(labelled[3, 3][0], labelled[3, 3][1]);
        Assert.Equal(image[2, 3].ToArray(), labelled[2, 3].ToArray());

        (code, output, _) = CfrProcess.Run("concat", scan, "--out", png, "--image-size", "24", "--scale", "1", "--window", "-2,2");
        Assert.Equal(0, code);
        Assert.Contains("picture 3 of 4, slices 2 to 2", output);
        (code, output, _) = CfrProcess.Run("concat", scan, "--out", png, "--image-size", "20");
        Assert.Equal(0, code);
        Assert.Contains("The scan is 10x12x4; 10x12x2 of its middle fit and are shown", output);
    }

    [Theory]
    [InlineData(2, "--layout is cake; expected release or paper", "--layout", "cake")]
    [InlineData(2, "scale is 3; expected 1 to 2 for 4 slices", "--scale", "3")]
    [InlineData(2, "4 slices of 8x8 do not fit an image of 12x12, which has room for 1; expected an image size of at least 16",
        "--patch", "8,8,4", "--image-size", "12")]
    [InlineData(2, "expected three sizes", "--patch", "8,8")]
    [InlineData(2, "the smaller one first", "--window", "2,-2")]
    [InlineData(2, "expected 1 to 4", "--scale", "1", "--canvas", "5")]
    [InlineData(2, "without --scale there is one picture", "--canvas", "1")]
    [InlineData(3, "2x2x2 voxels; expected 8x8x4", "--label", "OTHER")]
    [InlineData(3, "nowhere.nii", "--label", "nowhere.nii")]
    public void Mistakes_cost_one_line_and_the_right_exit_code(int expected, string reason, params string[] arguments)
    {
        string scan = _folder.File("scan.nii"), other = _folder.File("other.nii"), png = _folder.File("x.png");
        VolumeFile.Write(scan, new Volume(Geometry.Unit(new(8, 8, 4)), [.. Enumerable.Range(0, 256).Select(i => (float)i)]));
        VolumeFile.Write(other, new LabelMap(Geometry.Unit(new(2, 2, 2)), new byte[8]));
        string[] actual = [.. arguments.Select(word => word == "OTHER" ? other : word)];
        var (code, _, errors) = CfrProcess.Run(["concat", scan, "--out", png, .. actual]);
        Assert.Equal(expected, code);
        Assert.Contains(reason, errors);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(File.Exists(png));
    }

    [Fact]
    public void A_picture_of_another_kind_is_refused()
    {
        var (code, _, errors) = CfrProcess.Run("concat", "scan.nii", "--out", "x.jpg");
        Assert.Equal((2, "cfr: --out x.jpg: expected a name that ends in .png"), (code, errors.Trim()));
    }
}
