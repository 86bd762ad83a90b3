using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Instance norm (Ulyanov 2016): a mean and a variance per sample and channel, which is group norm with a group for
/// each channel.
///   x [N, .., C], weight and bias [C] or none -> y [N, .., C]
/// </summary>
public static class InstanceNormOp
{
    /// <summary>Each sample's channels, normalised.</summary>
    /// <exception cref="ArgumentException">There is one value per channel, so no variance.</exception>
    public static Tensor InstanceNorm(
        this Tensor x, Tensor? weight = null, Tensor? bias = null, float eps = 1e-5f,
        Activation activation = Activation.None)
    {
        Session.Common(nameof(InstanceNorm), x, weight, bias);
        ChannelNorm.Check(nameof(InstanceNorm), x, weight, bias);
        var shape = NormShape.PerGroup(x.Size(0), ChannelNorm.Spatial(x), x.Size(^1), groups: x.Size(^1));
        if (shape.Spatial == 1)
            throw Expect.Mismatch(nameof(InstanceNorm), nameof(x), x, "more than one value per sample and channel");
        return ChannelNorm.Normalize(nameof(InstanceNorm), shape, x, weight, bias, eps, activation);
    }
}
