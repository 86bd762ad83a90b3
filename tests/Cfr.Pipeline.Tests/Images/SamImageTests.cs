using Cfr.Kernels;
using Cfr.Pipeline.Images;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Images;

/// <summary>Pictures on their way into SAM, and masks on their way back.</summary>
public sealed class SamImageTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly GoldenFile _file = new("sam/preprocess_postprocess.safetensors");
    readonly Session _session;

    public SamImageTests() => _session = new Session(_device);

    public void Dispose()
    {
        _file.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void Pixels_are_normalised_before_they_are_padded()
    {
        float[] pixels = [.. _file.Values("pre/image_0_255").Chunk(40 * 30).SelectMany(plane => plane).Select(v => (float)v)];
        Tensor image = _session.Tensor(pixels, [3, 40, 30]).Permute(1, 2, 0);
        Tensor got = SamImage.Normalize(_session, image.ToArray(), 40, 30, (int)_file.Values("pre/img_size")[0]);
        _file.AssertEqual("pre/out", got.Reshape(48, 48, 3).Permute(2, 0, 1), 1e-6);
    }

    [Fact]
    public void Masks_lose_the_padding_and_come_to_the_pictures_size()
    {
        Tensor logits = _file.Tensor(_session, "post/low_res", GoldenLayout.ChannelsLast);
        int[] picture = Sizes("post/original_size"), scaled = Sizes("post/input_size");
        Tensor got = SamImage.Restore(logits, 48, (scaled[0], scaled[1]), (picture[0], picture[1]));
        _file.AssertEqual("post/out", got, 1e-6, GoldenLayout.ChannelsLast);

        int[] Sizes(string name) => [.. _file.Values(name).Select(size => (int)size)];
    }

    [Fact]
    public void A_wide_picture_is_padded_below()
    {
        var image = new RgbImage(10, 40);
        image.Pixels.AsSpan().Fill(255);
        Tensor square = SamImage.Prepare(_session, image, 64);
        Assert.Equal([1, 64, 64, 3], square.Shape);
        float[] rows = [.. square.ToArray().Chunk(64 * 3).Select(row => row.Sum())];
        Assert.All(rows[..16], sum => Assert.True(sum > 0));
        Assert.All(rows[16..], sum => Assert.Equal(0, sum));
    }
}
