using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Transposed convolution of volumes: x [N, D, H, W, in] -> y [N, D', H', W', out], D' = (D - 1) stride - 2 padding +
/// kernel.
/// </summary>
public sealed class ConvTranspose3d : Layer
{
    readonly Tensor _weight;
    readonly Tensor? _bias;
    readonly int _stride, _padding;
    readonly Measure _measure;

    /// <summary>
    /// Creates <c>weight</c> and, if wanted, <c>bias</c>, with PyTorch's initial values. <paramref name="measure"/> is
    /// what the norm behind it wants to know, batch statistics only while training.
    /// </summary>
    public ConvTranspose3d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, bool bias = true,
        Measure measure = Measure.Nothing)
        : base(weights)
    {
        Initializer initializer = Initialize.FanIn((long)outChannels * kernel * kernel * kernel);
        _weight = weights.Parameter(
            "weight", [kernel, kernel, kernel, outChannels, inChannels], initializer, FileLayout.Kernel);
        _bias = bias ? weights.Parameter("bias", [outChannels], initializer) : null;
        (_stride, _padding, _measure) = (stride, padding, measure);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) =>
        x.ConvTranspose3d(_weight, _bias, _stride, _padding, _measure.While(Training));
}
