using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Transposed convolution of images: x [N, H, W, in] -> y [N, H', W', out], H' = (H - 1) stride - 2 padding + kernel.
/// </summary>
public sealed class ConvTranspose2d : Layer
{
    readonly Tensor _weight;
    readonly Tensor? _bias;
    readonly int _stride, _padding;

    /// <summary>Creates <c>weight</c> and, if wanted, <c>bias</c>, with PyTorch's initial values.</summary>
    public ConvTranspose2d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, bool bias = true)
        : base(weights)
    {
        Initializer initializer = Initialize.FanIn((long)outChannels * kernel * kernel);
        _weight = weights.Parameter(
            "weight", [kernel, kernel, outChannels, inChannels], initializer, FileLayout.Kernel);
        _bias = bias ? weights.Parameter("bias", [outChannels], initializer) : null;
        (_stride, _padding) = (stride, padding);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.ConvTranspose2d(_weight, _bias, _stride, _padding);
}
