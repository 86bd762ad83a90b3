using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// V-Net for semi-supervised segmentation (<see cref="VNetTrunk"/>): one head of 1x1x1 on x9. 9,448,866 parameters with
/// 16 filters and 2 classes, 40.1 G multiply-adds for 112x112x80.
/// </summary>
public sealed class VNet : VNetTrunk
{
    readonly Conv3d _head;

    /// <summary>Creates its weights.</summary>
    public VNet(Weights w, NetworkConfiguration configuration) : base(w, configuration) =>
        _head = new Conv3d(w / "out_conv", configuration.Filters, configuration.Classes, kernel: 1);

    /// <summary>Logits [N, D, H, W, classes] of x9 [N, D, H, W, F].</summary>
    public Tensor Classify(Tensor x9) => _head.Forward(x9);

    private protected override Tensor Logits(Tensor x, bool dropout) => Classify(Features(x, dropout).X9);
}
