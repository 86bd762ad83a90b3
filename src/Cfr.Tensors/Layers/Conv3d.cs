using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Convolution of volumes: x [N, D, H, W, in] -> y [N, D', H', W', out], D' = (D + 2 padding - kernel) / stride + 1.
/// </summary>
public sealed class Conv3d : Layer
{
    readonly Tensor _weight;
    readonly Tensor? _bias;
    readonly int _stride, _padding;
    readonly Measure _measure;

    /// <summary>
    /// Creates <c>weight</c> and, if wanted, <c>bias</c>, with PyTorch's initial values; <paramref name="initializer"/>
    /// replaces those of the weight. <paramref name="measure"/> is what the norm behind it wants to know, batch
    /// statistics only while training.
    /// </summary>
    public Conv3d(
        Weights weights, int inChannels, int outChannels, int kernel, int stride = 1, int padding = 0, bool bias = true,
        Initializer? initializer = null, Measure measure = Measure.Nothing)
        : base(weights)
    {
        Initializer fanIn = Initialize.FanIn((long)inChannels * kernel * kernel * kernel);
        _weight = weights.Parameter(
            "weight", [kernel, kernel, kernel, inChannels, outChannels], initializer ?? fanIn, FileLayout.Kernel);
        _bias = bias ? weights.Parameter("bias", [outChannels], fanIn) : null;
        (_stride, _padding, _measure) = (stride, padding, measure);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) =>
        x.Conv3d(_weight, _bias, _stride, _padding, _measure.While(Training));
}
