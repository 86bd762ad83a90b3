using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Concatenation;

public sealed class MosaicTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public MosaicTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData(MosaicLayout.Release, 3, 5, 67)]
    [InlineData(MosaicLayout.Release, 5, 3, 64)]
    [InlineData(MosaicLayout.Release, 5, 1, 61)]
    [InlineData(MosaicLayout.Paper, 3, 5, 64)]
    [InlineData(MosaicLayout.Paper, 5, 3, 61)]
    public void Every_voxel_lies_where_the_geometry_says_and_comes_back(MosaicLayout layout, int x, int y, int imageSize)
    {
        for (int slices = 1; slices <= 130; slices++)
        {
            using Scope step = _session.Step();
            var mosaic = (NativeMosaic)new ConcatenationConfiguration(layout).For(new(x, y, slices), imageSize);
            float[] volume = Counting(mosaic.Patch.Voxels), canvas = new float[imageSize * imageSize];
            for (int i = 0; i < volume.Length; i++)
            {
                var (atX, atY, atZ) = mosaic.Patch.IndexOf(i);
                var (row, column) = mosaic.Geometry.Pixel(atX, atY, atZ);
                canvas[row * imageSize + column] = volume[i];
            }
            Tensor image = mosaic.Images(_session.Tensor(volume, [1, x, y, slices, 1]));
            Assert.Equal(canvas, image.ToArray());
            Assert.Equal(volume, mosaic.Volume(image).ToArray());

            int[] classes = [.. volume.Select(value => (int)value % 5)];
            Tensor label = mosaic.Labels(_session.Labels(classes, [1, x, y, slices]));
            Assert.Equal(canvas.Select(value => value == 0 ? 255 : (int)value % 5), label.ToIntArray());
            Assert.Equal(classes, mosaic.VolumeLabels(label).ToIntArray());
        }
    }

    [Theory]
    [InlineData(13, 9, 81, 128, 1, -4, 0, 5)]
    [InlineData(9, 13, 81, 128, 0, 1, 0, 1)]
    [InlineData(11, 11, 20, 64, 1, -1, 1, -1)]
    public void Margins_are_rounded_down_where_the_canvas_would_cut_into_slices(
        int x, int y, int z, int imageSize, int publishedMargin, int publishedOffset, int margin, int offset)
    {
        MosaicGeometry published = MosaicGeometry.Published(new(x, y, z), imageSize);
        MosaicGeometry got = MosaicGeometry.Release(new(x, y, z), imageSize);
        Assert.Equal((publishedMargin, publishedOffset), (published.MarginColumns, published.OffsetColumn));
        Assert.Equal((margin, offset), (got.MarginColumns, got.OffsetColumn));
    }

    [Fact]
    public void Volumes_and_channels_of_a_batch_stay_apart()
    {
        Mosaic mosaic = new ConcatenationConfiguration().For(new(4, 6, 7), imageSize: 20);
        float[] first = Counting(4 * 6 * 7), second = [.. first.Select(value => -value)];
        Tensor images = mosaic.Images(_session.Tensor([.. first, .. second], [2, 4, 6, 7, 1]));
        Tensor logits = images.Concat(3, 10 * images, 100 * images);
        Assert.Equal(
            first.Concat(second).SelectMany(value => new[] { value, 10 * value, 100 * value }), mosaic.Volume(logits).ToArray());
        Tensor rgb = Mosaic.Rgb(images);
        Assert.Equal([2, 20, 20, 3], rgb.Shape);
        Assert.Equal(images.ToArray().SelectMany(value => new[] { value, value, value }), rgb.ToArray());
    }

    [Theory]
    [InlineData(MosaicLayout.Release)]
    [InlineData(MosaicLayout.Paper)]
    public void Gradients_pass_through_the_way_back(MosaicLayout layout)
    {
        var mosaic = (NativeMosaic)new ConcatenationConfiguration(layout).For(new(7, 5, 8), imageSize: 22);
        Tensor canvas = _session.Zeros([1, 22, 22, 1]).WithGrad();
        float[] weights = Counting(7 * 5 * 8), want = new float[22 * 22];
        (mosaic.Volume(canvas) * _session.Tensor(weights, [1, 7, 5, 8, 1])).Sum().Backward();
        for (int i = 0; i < weights.Length; i++)
        {
            var (x, y, z) = mosaic.Patch.IndexOf(i);
            var (row, column) = mosaic.Geometry.Pixel(x, y, z);
            want[row * 22 + column] = weights[i];
        }
        Assert.Equal(want, canvas.Grad!.ToArray());
    }

    [Theory]
    [InlineData(null)]
    [InlineData(2)]
    public void The_gpu_kernels_place_the_same_bits(int? scale)
    {
        using var emulated = Device.Open("emulated");
        Mosaic mosaic = new ConcatenationConfiguration(Scale: scale).For(new(6, 5, 7), imageSize: 26);
        Assert.Equal(Placed(_session), Placed(new Session(emulated)));

        int[] Placed(Session session)
        {
            Tensor labels = mosaic.Labels(session.Labels([.. Enumerable.Range(0, 210)], [1, 6, 5, 7]));
            return [.. labels.ToIntArray(), .. mosaic.VolumeLabels(labels).ToIntArray()];
        }
    }

    [Fact]
    public void Padding_can_be_taught_as_background()
    {
        Mosaic mosaic = new ConcatenationConfiguration(LabelFiller: 0).For(new(2, 2, 3), imageSize: 6);
        Assert.Equal(12, mosaic.Labels(_session.Labels([.. Enumerable.Repeat(7, 12)], [1, 2, 2, 3])).ToIntArray().Sum() / 7);
    }

    [Theory]
    [InlineData(MosaicLayout.Release, null, 112, 112, 80, 512,
        "80 slices of 112x112 do not fit an image of 512x512, which has room for 16; expected an image size of at least 1008, or a scale, at most 8")]
    [InlineData(MosaicLayout.Paper, null, 5, 7, 10, 27,
        "10 slices of 5x7 do not fit an image of 27x27, which has room for 9; expected an image size of at least 28, or a scale, at most 3")]
    [InlineData(MosaicLayout.Release, null, 40, 10, 1, 32, "has room for 0; expected an image size of at least 40")]
    [InlineData(MosaicLayout.Release, 10, 112, 112, 80, 1024, "scale is 10; expected 1 to 9 for 80 slices on an image of 1024x1024")]
    [InlineData(MosaicLayout.Release, 8, 8, 8, 80, 64, "scale is 8; expected 1 to 7 for 80 slices on an image of 64x64")]
    [InlineData(MosaicLayout.Release, 1, 8, 8, 80, 8, "no room for a slice and its border; expected at least 9")]
    [InlineData(MosaicLayout.Release, 0, 8, 8, 80, 64, "scale is 0; expected at least 1")]
    [InlineData(MosaicLayout.Paper, null, 8, 8, 8, 100000, "the image size is 100000; expected 1 to 16384")]
    [InlineData(MosaicLayout.Release, 2, 8, 8, 8, 0, "the image size is 0; expected 1 to 16384")]
    [InlineData(MosaicLayout.Paper, null, 8, 0, 8, 64, "a patch of 8x0x8 is empty")]
    [InlineData((MosaicLayout)7, null, 8, 8, 8, 64, "layout is 7; expected release or paper")]
    public void What_does_not_fit_is_refused_with_what_does(
        MosaicLayout layout, int? scale, int x, int y, int z, int imageSize, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(
            () => new ConcatenationConfiguration(layout, scale).For(new(x, y, z), imageSize)).Message);

    [Fact]
    public void Tensors_of_another_size_are_refused()
    {
        Mosaic mosaic = new ConcatenationConfiguration(Scale: 2).For(new(8, 8, 7), imageSize: 32);
        Assert.Equal("Images: found Float32 [1, 8, 8, 8, 1]; expected Float32 [N, 8, 8, 7, 1]", Message(
            () => mosaic.Images(_session.Zeros([1, 8, 8, 8, 1]))));
        Assert.Contains("Labels: found Float32", Message(() => mosaic.Labels(_session.Zeros([1, 8, 8, 7]))));
        Assert.Equal("Volume: found Float32 [3, 32, 32, 2]; expected Float32 [2 N, 32, 32, 2]", Message(
            () => mosaic.Volume(_session.Zeros([3, 32, 32, 2]))));
        Assert.Throws<ArgumentException>(() => new ConcatenationConfiguration(LabelFiller: 1).Check());

        static string Message(Func<object> act) => Assert.Throws<ArgumentException>(act).Message;
    }

    static float[] Counting(long count) => [.. Enumerable.Range(1, (int)count).Select(i => (float)i)];
}
