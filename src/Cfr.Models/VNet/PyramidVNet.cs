using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Logits at full size: of the last resolution, and of a half, a quarter and an eighth of it.</summary>
public readonly record struct PyramidLogits(Tensor Main, Tensor Half, Tensor Quarter, Tensor Eighth);

/// <summary>
/// A V-Net with three more heads, on x8, x7 and x6, each behind a channel dropout of its own, resized to the input's size
/// by nearest neighbours (URPC, Luo 2021, on a V-Net).
/// </summary>
public sealed class PyramidVNet : VNetTrunk
{
    readonly Conv3d _main, _eighth, _quarter, _half;

    /// <summary>Creates its weights.</summary>
    public PyramidVNet(Weights w, NetworkConfiguration configuration) : base(w, configuration)
    {
        int f = configuration.Filters, classes = configuration.Classes;
        _main = new Conv3d(w / "out_conv", f, classes, kernel: 1);
        _eighth = new Conv3d(w / "out_conv_dp3", 8 * f, classes, kernel: 1);
        _quarter = new Conv3d(w / "out_conv_dp2", 4 * f, classes, kernel: 1);
        _half = new Conv3d(w / "out_conv_dp1", 2 * f, classes, kernel: 1);
    }

    /// <summary>All four logits maps of x [N, D, H, W, channels].</summary>
    public PyramidLogits Pyramid(Tensor x, bool dropout = true)
    {
        Check(x);
        int[] size = [.. x.Shape[1..^1]];
        VNetDecoded features = Features(x, dropout);
        return new PyramidLogits(
            _main.Forward(features.X9),
            Head(_half, features.X8), Head(_quarter, features.X7), Head(_eighth, features.X6));

        Tensor Head(Conv3d head, Tensor of) =>
            head.Forward(Drop(of, dropout)).Resize(size, Cfr.Kernels.Interpolation.Nearest);
    }

    private protected override Tensor Logits(Tensor x, bool dropout) => _main.Forward(Features(x, dropout).X9);
}
