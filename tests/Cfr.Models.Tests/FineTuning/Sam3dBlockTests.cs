using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models.Tests.FineTuning;

/// <summary>3DSAM-adapter's block against the original program.</summary>
public sealed class Sam3dBlockTests
{
    [Theory, InlineData("noshift/", false, 5), InlineData("shift/", true, 8)]
    public void Result_and_gradients_of_what_trains(string part, bool shifted, int grid)
    {
        using GoldenModule<Sam3dBlock> golden = Golden(part, shifted, grid);
        golden.FreezeWhatHasNoGradient();
        Tensor x = golden.Tensor("in/x").WithGrad(), y = golden.Module.Forward(x);
        golden.AssertEqual("out/y", y, 2e-6);
        y.Backward(golden.Tensor("in/upstream"));
        golden.AssertEqual("grad_in/x", x.Grad, 1e-5);
        // The gradient of lambda is one sum over all logits, whose terms cancel: PyTorch's own float32 is off by 3e-5.
        golden.AssertGradients(name => name == "attn.lr" ? 1e-4 : 1e-5);
    }

    [Theory, InlineData("noshift/", false, 5), InlineData("shift/", true, 8)]
    public void Its_adapter(string part, bool shifted, int grid)
    {
        using GoldenModule<Sam3dBlock> golden = Golden(part, shifted, grid);
        golden.AssertEqual("mid/adapter", golden.Module.Adapter.Forward(golden.Tensor("in/x")), 2e-6);
    }

    [Fact]
    public void A_batch_gives_what_its_samples_give_alone()
    {
        using GoldenModule<Sam3dBlock> golden = Golden("shift/", shifted: true, grid: 8);
        Tensor first = golden.Tensor("in/x"), second = golden.Tensor("in/upstream");
        float[] together = golden.Module.Forward(first.Concat(0, second)).ToArray();
        float[] alone = [.. golden.Module.Forward(first).ToArray(), .. golden.Module.Forward(second).ToArray()];
        double error = together.Zip(alone, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.InRange(error / alone.Max(Math.Abs), 0, 1e-6);
    }

    [Fact]
    public void The_mask_of_the_last_shifted_window()
    {
        using GoldenModule<Sam3dBlock> golden = Golden("shift/", shifted: true, grid: 8);
        Tensor mask = golden.Module.Windows.Mask(golden.Session, 8, 8, 8)!;
        Assert.Equal(Shape.Of([8, 1, 64, 64]), mask.Shape);
        golden.AssertEqual("mid/attn_mask_window7", mask.Slice(0, 7, 1), tolerance: 0);
        Assert.All(mask.Slice(0, 0, 1).ToArray(), value => Assert.Equal(0, value));
    }

    [Theory, InlineData(false, 5, 3, 7), InlineData(true, 8, 4, 12)]
    public void Windows_put_together_are_the_volume(bool shifted, int depth, int height, int width)
    {
        using Device device = Device.Open("cpu");
        var session = new Session(device, seed: 1);
        var windows = new VolumeWindows(4, shifted);
        Tensor x = session.Uniform([2, depth, height, width, 3]), cut = windows.Cut(x);
        Assert.Equal(x.ToArray(), windows.Join(cut, x.Shape).ToArray());
        Assert.Equal(Shape.Of([2 * ((depth + 3) / 4) * ((height + 3) / 4) * ((width + 3) / 4), 4, 4, 4, 3]), cut.Shape);
    }

    [Fact]
    public void Shifted_windows_must_fill_the_volume()
    {
        using Device device = Device.Open("cpu");
        string message = Assert.Throws<ArgumentException>(
            () => new VolumeWindows(4, shifted: true).Mask(new Session(device), 8, 7, 8)).Message;
        Assert.Equal("shifted windows of 4 tokens do not fill a grid of 8 x 7 x 8; expected multiples of 4", message);
    }

    static GoldenModule<Sam3dBlock> Golden(string part, bool shifted, int grid) => new(
        "sam3d_block", w => new Sam3dBlock(w, width: 12, heads: 3, window: 4, shifted, grid), part);
}
