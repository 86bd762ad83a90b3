using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// GELU(norm(convolution(x))), the unit of SAMUS's convolutional branch (Lin 2023): 3x3 without bias, layer norm over
/// the channels.   x [B, H, W, in] -> [B, H, W, out]
/// </summary>
sealed class ConvNormGelu : Layer
{
    readonly Conv2d _convolution;
    readonly LayerNorm _norm;

    /// <summary>Creates its weights; the convolution has that number in a sequence, the norm the next.</summary>
    public ConvNormGelu(Weights w, int number, int inChannels, int outChannels) : base(w)
    {
        _convolution = new Conv2d(w / number, inChannels, outChannels, kernel: 3, padding: 1, bias: false);
        _norm = new LayerNorm(w / (number + 1), outChannels, ImageEncoder.Epsilon);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => _norm.Forward(_convolution.Forward(x)).Gelu();
}
