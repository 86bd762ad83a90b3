using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Concatenation;

public sealed class ScaledMosaicTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public ScaledMosaicTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    static ScaledMosaic Of(int x, int y, int z, int imageSize, int scale, MosaicLayout layout = MosaicLayout.Release) =>
        (ScaledMosaic)new ConcatenationConfiguration(layout, scale).For(new(x, y, z), imageSize);

    [Theory]
    [InlineData(80, 3, new[] { 0, 9, 18, 27, 36, 45, 54, 63, 71 })]
    [InlineData(80, 9, new[] { 0 })]
    [InlineData(16, 2, new[] { 0, 4, 8, 12 })]
    [InlineData(3, 1, new[] { 0, 1, 2 })]
    public void Canvases_follow_each_other_and_the_last_one_ends_with_the_volume(int slices, int scale, int[] starts) =>
        Assert.Equal(starts, Of(8, 8, slices, 128, scale).Starts);

    [Theory]
    [InlineData(MosaicLayout.Release)]
    [InlineData(MosaicLayout.Paper)]
    public void Tiles_have_four_pixels_of_border_and_hold_their_slice(MosaicLayout layout)
    {
        // 65 / 2 = 32 pixels a tile, 24 of them of the slice; the odd pixel is at the right and the bottom.
        ScaledMosaic mosaic = Of(12, 8, 7, 65, 2, layout);
        float[] volume = [.. Enumerable.Range(0, 12 * 8 * 7).Select(i => i % 7 + 1f)];
        Tensor images = mosaic.Images(_session.Tensor(volume, [1, 12, 8, 7, 1]));
        Tensor labels = mosaic.Labels(_session.Labels([.. volume.Select(value => (int)value)], [1, 12, 8, 7]));
        Assert.Equal([2, 65, 65, 1], images.Shape);
        float[] canvas = images.ToArray();
        int[] classes = labels.ToIntArray();
        for (int i = 0; i < canvas.Length; i++)
        {
            int group = i / (65 * 65), row = i / 65 % 65, column = i % 65;
            bool isSlice = row < 64 && column < 64 && row % 32 is >= 4 and < 28 && column % 32 is >= 4 and < 28;
            int slice = mosaic.Starts[group] + row / 32 * 2 + column / 32;
            Assert.Equal(isSlice ? slice + 1 : 0, canvas[i], 1e-5);
            Assert.Equal(isSlice ? slice + 1 : 255, classes[i]);
        }
    }

    [Theory]
    [InlineData(MosaicLayout.Release)]
    [InlineData(MosaicLayout.Paper)]
    public void Slices_are_resized_along_their_own_axes(MosaicLayout layout)
    {
        // 16 pixels of 8 x 4 voxels: labels are repeated twice along X and four times along Y.
        ScaledMosaic mosaic = Of(8, 4, 1, 24, 1, layout);
        int[] volume = [.. Enumerable.Range(1, 32)];
        int[] canvas = mosaic.Labels(_session.Labels(volume, [1, 8, 4, 1])).ToIntArray();
        float[] image = mosaic.Images(_session.Tensor([.. volume.Select(value => (float)value)], [1, 8, 4, 1, 1])).ToArray();
        for (int r = 0; r < 16; r++)
            for (int c = 0; c < 16; c++)
            {
                var (x, y) = layout == MosaicLayout.Release ? (c, r) : (r, c);
                int at = (r + 4) * 24 + c + 4;
                Assert.Equal(volume[x / 2 * 4 + y / 4], canvas[at]);
                double along = Math.Clamp((x + 0.5) / 2 - 0.5, 0, 7), across = Math.Clamp((y + 0.5) / 4 - 0.5, 0, 3);
                Assert.Equal(1 + 4 * along + across, image[at], 1e-4);
            }
        Assert.Equal(volume, mosaic.VolumeLabels(_session.Labels(canvas, [1, 24, 24])).ToIntArray());
    }

    [Fact]
    public void Logits_come_back_resized_and_are_averaged_where_canvases_overlap()
    {
        // Canvases begin at slices 0, 4 and 6: slices 6 and 7 are on two of them.
        ScaledMosaic mosaic = Of(12, 10, 10, 64, 2);
        Assert.Equal([0, 4, 6], mosaic.Starts);
        float[] perCanvas = [1, 2, 4, 10, 20, 40];
        Tensor canvases = _session.Tensor(perCanvas, [6, 1, 1, 1]).Expand([6, 64, 64, 1]);
        canvases = canvases.Concat(3, -1 * canvases);
        float[] got = mosaic.Volume(canvases).ToArray();
        float[] bySlice = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4];
        int i = 0;
        for (int n = 0; n < 2; n++)
            for (int voxel = 0; voxel < 12 * 10; voxel++)
                foreach (float want in bySlice)
                {
                    Assert.Equal(want * (n == 0 ? 1 : 10), got[i++], 1e-5);
                    Assert.Equal(want * (n == 0 ? -1 : -10), got[i++], 1e-5);
                }
        int[] classes = [.. Enumerable.Range(0, 3 * 64 * 64).Select(pixel => pixel / (64 * 64))];
        int[] labels = mosaic.VolumeLabels(_session.Labels(classes, [3, 64, 64])).ToIntArray();
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], labels[..10]);
    }

    [Fact]
    public void A_smooth_volume_survives_the_way_there_and_back()
    {
        ScaledMosaic mosaic = Of(20, 15, 23, 160, 3);
        float[] volume = new float[20 * 15 * 23];
        for (int i = 0; i < volume.Length; i++)
        {
            var (x, y, z) = mosaic.Patch.IndexOf(i);
            volume[i] = (float)(Math.Sin(0.3 * x) * Math.Cos(0.25 * y) + z);
        }
        float[] back = mosaic.Volume(mosaic.Images(_session.Tensor(volume, [1, 20, 15, 23, 1]))).ToArray();
        double worst = back.Zip(volume, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(worst < 0.08, $"off by {worst:G3}");
    }

    [Fact]
    public void Gradients_pass_through_resizing_and_averaging()
    {
        ScaledMosaic mosaic = Of(6, 5, 7, 40, 2);
        Tensor canvases = _session.Normal([2, 40, 40, 1]).WithGrad(), weights = _session.Normal([1, 6, 5, 7, 1]);
        (mosaic.Volume(canvases) * weights).Sum().Backward();
        // The way back is linear: <Volume(x), w> = <x, its gradient>.
        double value = Dot(mosaic.Volume(canvases), weights), dual = Dot(canvases, canvases.Grad!);
        Assert.True(Math.Abs(value - dual) < 1e-4 * Math.Abs(value), $"{value} against {dual}");

        static double Dot(Tensor a, Tensor b) => a.ToArray().Zip(b.ToArray(), (x, y) => (double)x * y).Sum();
    }

    [Fact]
    public void A_step_of_training_sees_a_run_that_begins_anywhere()
    {
        ScaledMosaic mosaic = Of(8, 8, 11, 64, 2);
        var random = new RandomNumbers(RandomKey.For(1, "test"));
        var starts = new HashSet<int>();
        for (int i = 0; i < 200; i++)
        {
            var drawn = (ScaledMosaic)mosaic.Draw(random);
            Assert.Equal(1, drawn.Canvases);
            starts.Add(drawn.Starts[0]);
        }
        Assert.Equal(Enumerable.Range(0, 8), starts.Order());

        var one = (ScaledMosaic)mosaic.Draw(random);
        float[] volume = [.. Enumerable.Range(0, 8 * 8 * 11).Select(i => i % 11 + 1f)];
        float[] canvas = one.Images(_session.Tensor(volume, [1, 8, 8, 11, 1])).ToArray();
        int[] seen = [.. canvas.Select(value => (int)Math.Round(value)).Distinct().Order()];
        Assert.Equal(Enumerable.Range(one.Starts[0] + 1, 4).Prepend(0), seen);
        Assert.Equal(mosaic.Starts[2], ((ScaledMosaic)mosaic.Canvas(2)).Starts.Single());
        Assert.Throws<InvalidOperationException>(() => one.Volume(_session.Zeros([1, 64, 64, 2])));
        Mosaic native = new ConcatenationConfiguration().For(new(8, 8, 11), 64);
        Assert.Same(native, native.Draw(random));
    }

    [Fact]
    public void Tiles_without_a_slice_are_empty()
    {
        ScaledMosaic mosaic = Of(8, 8, 3, 64, 2);
        Tensor label = mosaic.Labels(_session.Labels(new int[8 * 8 * 3], [1, 8, 8, 3]));
        int[] last = [.. label.Slice(1, 32, 32).Slice(2, 32, 32).ToIntArray().Distinct()];
        Assert.Equal([255], last);
        Tensor image = mosaic.Images(_session.Full([1, 8, 8, 3, 1], 5));
        Assert.Equal(0, image.Slice(1, 32, 32).Slice(2, 32, 32).ToArray().Max());
        Assert.Equal([1, 8, 8, 3, 1], mosaic.Volume(image).Shape);
    }
}
