using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Outputs of a U-Net's encoder, from full resolution (F channels) to a sixteenth of it (16 F).</summary>
public readonly record struct UNetFeatures(Tensor X1, Tensor X2, Tensor X3, Tensor X4, Tensor Center);

/// <summary>
/// A 3D U-Net (Cicek 2016) without its heads, in the form of the SSL4MIS collection (Luo 2020): two convolutions with
/// instance norm at each level, max pooling down, trilinear up, skips concatenated (skip first).
/// </summary>
public abstract class UNet3dTrunk : Segmenter
{
    static readonly Extent Two = new(2, 2, 2);

    readonly Layer _one, _two, _three, _four, _center, _up4, _up3, _up2, _up1;

    private protected UNet3dTrunk(Weights w, NetworkConfiguration configuration) : base(w, configuration)
    {
        int f = configuration.Filters;
        _one = DoubleConv(w / "conv1", configuration.Channels, f);
        _two = DoubleConv(w / "conv2", f, 2 * f);
        _three = DoubleConv(w / "conv3", 2 * f, 4 * f);
        _four = DoubleConv(w / "conv4", 4 * f, 8 * f);
        _center = DoubleConv(w / "center", 8 * f, 16 * f);
        _up4 = DoubleConv(w / "up_concat4" / "conv", 24 * f, 8 * f);
        _up3 = DoubleConv(w / "up_concat3" / "conv", 12 * f, 4 * f);
        _up2 = DoubleConv(w / "up_concat2" / "conv", 6 * f, 2 * f);
        _up1 = DoubleConv(w / "up_concat1" / "conv", 3 * f, f);
    }

    /// <summary>The way down: x [N, D, H, W, channels] -> features at five resolutions.</summary>
    public UNetFeatures Encode(Tensor x)
    {
        Check(x);
        Tensor x1 = _one.Forward(x), x2 = Below(_two, x1), x3 = Below(_three, x2), x4 = Below(_four, x3);
        return new UNetFeatures(x1, x2, x3, x4, Below(_center, x4));
    }

    private protected Tensor Up4(Tensor x, UNetFeatures skips) => Join(_up4, skips.X4, x);

    private protected Tensor Up3(Tensor x, UNetFeatures skips) => Join(_up3, skips.X3, x);

    private protected Tensor Up2(Tensor x, UNetFeatures skips) => Join(_up2, skips.X2, x);

    private protected Tensor Up1(Tensor x, UNetFeatures skips) => Join(_up1, skips.X1, x);

    /// <summary>A 1x1x1 head.</summary>
    private protected static Conv3d Head(Weights w, int inChannels, int classes) =>
        new(w, inChannels, classes, kernel: 1, initializer: Initialize.KaimingNormal(inChannels));

    /// <summary>x resized by a factor, trilinearly.</summary>
    private protected static Tensor Enlarge(Tensor x, int factor) =>
        x.Resize([factor * x.Size(1), factor * x.Size(2), factor * x.Size(3)]);

    static Layer DoubleConv(Weights w, int inChannels, int outChannels)
    {
        return new Sequential(w,
            Conv(w / "conv1" / 0, inChannels), NormRelu.Create(w / "conv1" / 1, Normalization.Instance, outChannels),
            Conv(w / "conv2" / 0, outChannels), NormRelu.Create(w / "conv2" / 1, Normalization.Instance, outChannels));

        Conv3d Conv(Weights path, int from) => new(
            path, from, outChannels, kernel: 3, padding: 1, initializer: Initialize.KaimingNormal(27L * from),
            measure: NormRelu.Wants(Normalization.Instance));
    }

    static Tensor Below(Layer level, Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(level.Forward(x.MaxPool3d(Two)));
    }

    static Tensor Join(Layer level, Tensor skip, Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(level.Forward(skip.Concat(^1, Enlarge(x, 2))));
    }
}
