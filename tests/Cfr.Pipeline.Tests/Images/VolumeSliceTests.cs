using Cfr.Pipeline.Images;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Images;

/// <summary>Slices of volumes as gray pictures, and masks over pictures.</summary>
public sealed class VolumeSliceTests
{
    /// <summary>Voxel x, y, z is 100 x + 10 y + z.</summary>
    static readonly Volume Volume = new(
        new Geometry(new GridSize(2, 3, 4), Affine.Scaling(1, 1, 1)),
        [.. Enumerable.Range(0, 24).Select(i => 100f * (i / 12) + 10 * (i / 4 % 3) + i % 4)]);

    [Theory]
    [InlineData(0, 1, 3, 4, 2, 3, 123)]
    [InlineData(1, 2, 2, 4, 1, 3, 123)]
    [InlineData(2, 3, 2, 3, 1, 2, 123)]
    public void Rows_and_columns_are_the_other_two_axes(
        int axis, int number, int rows, int columns, int row, int column, int voxel)
    {
        RgbImage image = new VolumeSlice(axis, number).Of(Volume, (0, 255));
        Assert.Equal((rows, columns), (image.Height, image.Width));
        Assert.Equal([(byte)voxel, (byte)voxel, (byte)voxel], image[row, column].ToArray());
    }

    [Fact]
    public void A_window_maps_intensities_to_gray()
    {
        RgbImage image = new VolumeSlice(2, 0).Of(Volume, (10, 110));
        Assert.Equal(0, image[0, 0][0]);
        Assert.Equal(26, image[0, 2][0]);
        Assert.Equal(255, image[1, 1][0]);
        Assert.Equal(255, image[1, 2][0]);
    }

    [Fact]
    public void Windows_are_intensities_percentiles_or_everything()
    {
        Assert.Equal((-125, 275), GrayWindow.Parse("-125,275")!.Value.Of(Volume));
        Assert.Equal((0, 123), GrayWindow.Parse("minmax")!.Value.Of(Volume));
        var (low, high) = GrayWindow.Parse("50%,100%")!.Value.Of(Volume);
        Assert.Equal((61.5, 123), (low, high));
        Assert.All(new[] { "", "5", "9,3", "1%,2", "-1%,50%", "a,b" }, text => Assert.Null(GrayWindow.Parse(text)));
    }

    [Fact]
    public void A_slice_that_is_not_there_is_named() => Assert.Contains(
        "slice 4 across axis 2 of 2x3x4; expected 0 to 3",
        Assert.Throws<ArgumentException>(() => new VolumeSlice(2, 4).Of(Volume, (0, 1))).Message);

    [Fact]
    public void Masks_are_half_transparent_and_the_picture_stays_as_it_is()
    {
        var image = new RgbImage(1, 2, [100, 100, 100, 50, 60, 70]);
        RgbImage drawn = MaskOverlay.Draw(image, [[1, 0]]);
        Assert.Equal([165, 129, 50, 50, 60, 70], drawn.Pixels);
        Assert.Equal([100, 100, 100, 50, 60, 70], image.Pixels);
        Assert.Equal([255, 255, 255, 0, 0, 0], MaskOverlay.BlackAndWhite(1, 2, [1, 0]).Pixels);
    }
}
