using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A step of SAMUS's convolutional branch (Lin 2023): max pooling by 2, then GELU(norm(3x3 convolution)).
///   x [B, H, W, in] -> [B, H / 2, W / 2, out], rounded down
/// </summary>
public sealed class SamusDownsampling : Layer
{
    readonly ConvNormGelu _unit;

    /// <summary>Creates its weights.</summary>
    public SamusDownsampling(Weights w, int inChannels, int outChannels) : base(w) =>
        _unit = new ConvNormGelu(w / "maxpool_conv", number: 1, inChannels, outChannels);

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => _unit.Forward(x.MaxPool2d((2, 2)));
}
