using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// 3D U-Net with a head at each resolution of its way up (URPC, Luo 2021), each behind a channel dropout, resized
/// trilinearly to the input's size. 5,884,504 parameters with 16 filters and 2 classes.
/// </summary>
public sealed class DeepSupervisedUNet3d : UNet3dTrunk
{
    readonly Conv3d _eighth, _quarter, _half, _main;

    /// <summary>Creates its weights.</summary>
    public DeepSupervisedUNet3d(Weights w, NetworkConfiguration configuration) : base(w, configuration)
    {
        int f = configuration.Filters, classes = configuration.Classes;
        _eighth = Head(w / "dsv4" / "dsv" / 0, 8 * f, classes);
        _quarter = Head(w / "dsv3" / "dsv" / 0, 4 * f, classes);
        _half = Head(w / "dsv2" / "dsv" / 0, 2 * f, classes);
        _main = Head(w / "dsv1", f, classes);
    }

    /// <summary>All four logits maps of x [N, D, H, W, channels].</summary>
    public PyramidLogits Pyramid(Tensor x, bool dropout = true)
    {
        var (up4, up3, up2, up1) = Decode(x, dropout);
        return new PyramidLogits(
            _main.Forward(up1), Enlarge(_half.Forward(up2), 2), Enlarge(_quarter.Forward(up3), 4),
            Enlarge(_eighth.Forward(up4), 8));
    }

    private protected override Tensor Logits(Tensor x, bool dropout) => _main.Forward(Decode(x, dropout).Up1);

    (Tensor Up4, Tensor Up3, Tensor Up2, Tensor Up1) Decode(Tensor x, bool dropout)
    {
        UNetFeatures features = Encode(x);
        Tensor up4 = DropChannels(Up4(features.Center, features), 0.5f, dropout);
        Tensor up3 = DropChannels(Up3(up4, features), 0.3f, dropout);
        Tensor up2 = DropChannels(Up2(up3, features), 0.2f, dropout);
        return (up4, up3, up2, DropChannels(Up1(up2, features), 0.1f, dropout));
    }
}
