using Cfr.Pipeline.Images;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Images;

/// <summary>Resampling of images against Pillow, PyTorch and SciPy.</summary>
public sealed class ImageResamplingTests : IDisposable
{
    readonly GoldenFile _file = new("sam/resize.safetensors");

    public void Dispose() => _file.Dispose();

    [Theory, InlineData("down"), InlineData("up"), InlineData("same")]
    public void The_longest_side_is_scaled_bit_for_bit_as_Pillow_does(string name)
    {
        RgbImage image = Picture($"pil/{name}/x"), want = Picture($"pil/{name}/y");
        var frame = new LongestSide(image.Height, image.Width, (int)_file.Values($"pil/{name}/target_length")[0]);
        RgbImage got = frame.Apply(image);
        Assert.Equal((want.Height, want.Width), (got.Height, got.Width));
        Assert.Equal(want.Pixels, got.Pixels);
        Assert.NotSame(image.Pixels, got.Pixels);
    }

    [Theory, InlineData("down"), InlineData("up"), InlineData("same")]
    public void Places_are_scaled_with_the_picture(string name)
    {
        RgbImage image = Picture($"pil/{name}/x");
        var frame = new LongestSide(image.Height, image.Width, (int)_file.Values($"pil/{name}/target_length")[0]);
        double[] places = _file.Values($"pil/{name}/coords_in");
        double[] got = [.. places.Chunk(2).Select(place => frame.Map(place[0], place[1])).SelectMany(p => new[] { p.X, p.Y })];
        Assert.Equal(_file.Values($"pil/{name}/coords_out"), got);
    }

    [Theory, InlineData("down"), InlineData("up"), InlineData("same")]
    public void A_picture_in_float_is_resized_as_PyTorch_does(string name)
    {
        RgbImage image = Picture($"pil/{name}/x");
        int[] size = [.. _file.Shape($"pil/{name}/torch_y")];
        float[] got = AntialiasedResize.Resize(
            Array.ConvertAll(image.Pixels, value => (float)value), (image.Height, image.Width), (size[2], size[3]), 3);
        AssertNear($"pil/{name}/torch_y", got, 1e-6, GoldenLayout.ChannelsLast);
    }

    [Theory, InlineData("down"), InlineData("half"), InlineData("mixed"), InlineData("up")]
    public void Antialiased_resizing(string name)
    {
        int[] from = [.. _file.Shape($"antialias/{name}/x")], to = [.. _file.Shape($"antialias/{name}/y")];
        float[] x = [.. _file.Values($"antialias/{name}/x", GoldenLayout.ChannelsLast).Select(value => (float)value)];
        AssertNear(
            $"antialias/{name}/y", AntialiasedResize.Resize(x, (from[2], from[3]), (to[2], to[3]), from[1]), 1e-6,
            GoldenLayout.ChannelsLast);
    }

    [Theory, InlineData("17x13"), InlineData("5x6"), InlineData("9x22")]
    public void Zooms_of_order_three_are_splines_through_the_pixels(string name)
    {
        int[] to = [.. _file.Shape($"zoom3/{name}")];
        float[] x = [.. _file.Values("zoom3/x").Select(value => (float)value)];
        AssertNear($"zoom3/{name}", CornerZoom.Cubic(x, (9, 11), (to[0], to[1])), 1e-6);
    }

    [Theory, InlineData("17x13"), InlineData("5x6"), InlineData("9x22")]
    public void Zooms_of_order_zero_take_the_nearest_pixel(string name)
    {
        int[] to = [.. _file.Shape($"zoom0/{name}")];
        Assert.Equal(_file.Values($"zoom0/{name}"), CornerZoom.Nearest<double>(_file.Values("zoom0/x"), (9, 11), (to[0], to[1])));
    }

    [Fact]
    public void A_label_of_low_resolution_is_not_every_fourth_row()
    {
        double[] label = _file.Values("lowres_label/x");
        double[] got = CornerZoom.Nearest<double>(label, (64, 64), (16, 16));
        Assert.Equal(_file.Values("lowres_label/zoom0_16"), got);
        Assert.NotEqual(_file.Values("lowres_label/nearest_16"), got);
    }

    [Fact]
    public void A_zoom_to_the_same_size_changes_nothing_and_one_pixel_stays_itself()
    {
        float[] x = [.. _file.Values("zoom3/x").Select(value => (float)value)];
        Assert.All(x.Zip(CornerZoom.Cubic(x, (9, 11), (9, 11))), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        Assert.Equal([7f, 7, 7], CornerZoom.Cubic([7], (1, 1), (1, 3)));
    }

    RgbImage Picture(string name) =>
        new(_file.Shape(name)[0], _file.Shape(name)[1], [.. _file.Values(name).Select(value => (byte)value)]);

    void AssertNear(string name, float[] got, double allowed, GoldenLayout layout = GoldenLayout.Same)
    {
        double[] want = _file.Values(name, layout);
        Assert.Equal(want.Length, got.Length);
        double error = Math.Sqrt(want.Zip(got, (a, b) => (a - b) * (a - b)).Sum() / want.Sum(value => value * value));
        Assert.True(error <= allowed, $"{name} is off by {error:E1} of its norm, allowed {allowed:E1}");
    }
}
