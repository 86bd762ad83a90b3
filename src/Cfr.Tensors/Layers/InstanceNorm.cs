using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Instance norm (Ulyanov 2016) with an activation fused behind it: x [N, .., channels] -> y of that shape; each sample
/// and each channel has a mean and a variance of its own. By default without weight and bias, as PyTorch's.
/// </summary>
public sealed class InstanceNorm(
    Weights weights, int channels, bool affine = false, float epsilon = 1e-5f, Activation activation = Activation.None)
    : Layer(weights)
{
    readonly Tensor? _weight = affine ? weights.Parameter("weight", [channels], Initialize.Constant(1)) : null;
    readonly Tensor? _bias = affine ? weights.Parameter("bias", [channels], Initialize.Constant(0)) : null;

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.InstanceNorm(_weight, _bias, epsilon, activation);
}
