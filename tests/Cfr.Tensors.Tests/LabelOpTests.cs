using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

/// <summary>Ops that rearrange take labels as they take values.</summary>
public class LabelOpTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("emulated")]
    public void Labels_can_have_a_border_and_be_gathered(string name)
    {
        using var device = Device.Open(name);
        var session = new Session(device);
        Tensor labels = session.Labels([1, 2, 3, 4, 5, -6], [2, 3]);
        Tensor padded = labels.Pad([(1, 0), (0, 2)], 255);
        Assert.Equal(DType.Int32, padded.DType);
        Assert.Equal([255, 255, 255, 255, 255, 1, 2, 3, 255, 255, 4, 5, -6, 255, 255], padded.ToIntArray());
        Assert.Equal([4, 5, -6, 1, 2, 3, 4, 5, -6], labels.Gather(session.Labels([1, 0, 1], [3])).ToIntArray());
    }
}
