namespace Cfr.Tensors;

/// <summary>
/// Depthwise convolution of volumes, stride 1, with a border of zeros: x [N, D, H, W, channels] -> y of that shape.
/// </summary>
public sealed class DepthwiseConv3d : Layer
{
    readonly Tensor _weight, _bias;

    /// <summary>
    /// Creates <c>weight</c> ([channels, 1, k, k, k] in files) and <c>bias</c>, with PyTorch's initial values.
    /// </summary>
    /// <param name="weights">Its path.</param>
    /// <param name="channels">How many kernels it has.</param>
    /// <param name="kernel">Taps along each axis, an odd number.</param>
    public DepthwiseConv3d(Weights weights, int channels, int kernel) : base(weights)
    {
        Initializer initializer = Initialize.FanIn((long)kernel * kernel * kernel);
        _weight = weights.Parameter("weight", [kernel, kernel, kernel, 1, channels], initializer, FileLayout.Kernel);
        _bias = weights.Parameter("bias", [channels], initializer);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.DepthwiseConv3d(_weight, _bias);
}
