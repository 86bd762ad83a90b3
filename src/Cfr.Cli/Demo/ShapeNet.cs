using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Cli.Demo;

/// <summary>
/// A small U-Net: two steps down, two up, skips added. Images [N, H, W, 1] -> logits [N, H, W, classes].
/// </summary>
sealed class ShapeNet : Layer
{
    readonly Layer _one, _two, _three, _up1, _up2, _join1, _join2, _head;

    public ShapeNet(Weights w, int classes) : base(w)
    {
        _one = Stage(w / "one", new Conv2d(w / "one" / "conv", 1, 16, kernel: 3, padding: 1), 16);
        _two = Stage(w / "two", new Conv2d(w / "two" / "conv", 16, 32, kernel: 2, stride: 2), 32);
        _three = Stage(w / "three", new Conv2d(w / "three" / "conv", 32, 64, kernel: 2, stride: 2), 64);
        _up1 = new ConvTranspose2d(w / "up1", 64, 32, kernel: 2, stride: 2);
        _join1 = Stage(w / "join1", new Conv2d(w / "join1" / "conv", 32, 32, kernel: 3, padding: 1), 32);
        _up2 = new ConvTranspose2d(w / "up2", 32, 16, kernel: 2, stride: 2);
        _join2 = Stage(w / "join2", new Conv2d(w / "join2" / "conv", 16, 16, kernel: 3, padding: 1), 16);
        _head = new Conv2d(w / "head", 16, classes, kernel: 1);
    }

    protected override Tensor Compute(Tensor x)
    {
        Tensor one = _one.Forward(x), two = _two.Forward(one), three = _three.Forward(two);
        two = _join1.Forward(_up1.Forward(three) + two);
        one = _join2.Forward(_up2.Forward(two) + one);
        return _head.Forward(one);
    }

    static Sequential Stage(Weights w, Layer entry, int channels) => new(w,
        entry,
        new BatchNorm(w / "norm1", channels, activation: Activation.Relu),
        new Conv2d(w / "conv2", channels, channels, kernel: 3, padding: 1),
        new BatchNorm(w / "norm2", channels, activation: Activation.Relu));
}
