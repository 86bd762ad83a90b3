using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

public sealed class DepthwiseConv3dTests
{
    [Theory]
    [InlineData(2, 1, 4, "odd sizes of the kernel")]
    [InlineData(3, 4, 4, "[*, *, *, 1, 4]"), InlineData(3, 1, 5, "[*, *, *, 1, 4]")]
    public void Kernels_that_do_not_fit_are_refused(int taps, int inChannels, int channels, string expected)
    {
        using Device device = Device.Open("cpu");
        var session = new Session(device);
        Tensor x = session.Zeros([1, 3, 3, 3, 4]), weight = session.Zeros([taps, 3, 3, inChannels, channels]);
        string message = Assert.Throws<ArgumentException>(() => x.DepthwiseConv3d(weight)).Message;
        Assert.Equal($"DepthwiseConv3d: weight has shape {weight.Shape}, expected {expected}", message);
    }
}
