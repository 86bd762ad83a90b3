using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Group norm (Wu 2018): a mean and a variance per sample and group of channels. Formulas: <see cref="ChannelNorm"/>.
///   x [N, .., C], C a multiple of the groups, weight and bias [C] or none -> y [N, .., C]
/// </summary>
public static class GroupNormOp
{
    /// <summary>Each sample's groups of channels, normalised; weight and bias are per channel.</summary>
    public static Tensor GroupNorm(
        this Tensor x, int groups, Tensor? weight = null, Tensor? bias = null, float eps = 1e-5f,
        Activation activation = Activation.None)
    {
        Session.Common(nameof(GroupNorm), x, weight, bias);
        ChannelNorm.Check(nameof(GroupNorm), x, weight, bias);
        if (groups < 1 || x.Size(^1) % groups != 0)
            throw Expect.Mismatch(nameof(GroupNorm), nameof(x), x, $"[N, .., C], C a multiple of {groups} groups");
        var shape = NormShape.PerGroup(x.Size(0), ChannelNorm.Spatial(x), x.Size(^1), groups);
        return ChannelNorm.Normalize(nameof(GroupNorm), shape, x, weight, bias, eps, activation);
    }
}
