using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A V-Net with two heads of one channel (DTC, Luo 2021): a map of signed distances in (-1, 1), negative inside the
/// object, and the object's logit.
/// </summary>
public sealed class SdfVNet : VNetTrunk
{
    readonly Conv3d _distance, _mask;

    /// <summary>Creates its weights.</summary>
    public SdfVNet(Weights w, NetworkConfiguration configuration) : base(w, configuration)
    {
        _distance = new Conv3d(w / "out_conv", configuration.Filters, 1, kernel: 1);
        _mask = new Conv3d(w / "out_conv2", configuration.Filters, 1, kernel: 1);
    }

    /// <summary>Signed distances and logits, both [N, D, H, W, 1].</summary>
    public (Tensor Distance, Tensor Logit) DistanceAndLogit(Tensor x, bool dropout = true)
    {
        Tensor features = Features(x, dropout).X9;
        return (_distance.Forward(features).Tanh(), _mask.Forward(features));
    }

    private protected override Tensor Logits(Tensor x, bool dropout) => _mask.Forward(Features(x, dropout).X9);
}
