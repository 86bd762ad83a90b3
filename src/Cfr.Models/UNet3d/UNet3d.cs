using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// 3D U-Net (<see cref="UNet3dTrunk"/>) with dropout of single elements at the bottom and before the head. 5,884,050
/// parameters with 16 filters and 2 classes, 61.0 G multiply-adds for 96x96x96.
/// </summary>
public sealed class UNet3d : UNet3dTrunk
{
    const float DropRate = 0.3f;

    readonly Conv3d _head;

    /// <summary>Creates its weights.</summary>
    public UNet3d(Weights w, NetworkConfiguration configuration) : base(w, configuration) =>
        _head = Head(w / "final", configuration.Filters, configuration.Classes);

    /// <summary>The way up: features of full resolution [N, D, H, W, F].</summary>
    public Tensor Decode(UNetFeatures features)
    {
        Tensor up2 = Up2(Up3(Up4(features.Center, features), features), features);
        return Up1(up2, features);
    }

    /// <summary>Logits [N, D, H, W, classes] of features of full resolution.</summary>
    public Tensor Classify(Tensor features) => _head.Forward(features);

    private protected override Tensor Logits(Tensor x, bool dropout)
    {
        UNetFeatures features = Encode(x);
        Tensor up1 = Decode(features with { Center = DropElements(features.Center, DropRate, dropout) });
        return Classify(DropElements(up1, DropRate, dropout));
    }
}
