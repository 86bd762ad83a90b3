using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Group norm (Wu 2018) with an activation fused behind it: x [N, .., channels] -> y of that shape; each sample and
/// each run of channels / groups channels has a mean and a variance of its own.
/// </summary>
public sealed class GroupNorm(
    Weights weights, int groups, int channels, float epsilon = 1e-5f, Activation activation = Activation.None)
    : Layer(weights)
{
    readonly Tensor _weight = weights.Parameter("weight", [channels], Initialize.Constant(1));
    readonly Tensor _bias = weights.Parameter("bias", [channels], Initialize.Constant(0));

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.GroupNorm(groups, _weight, _bias, epsilon, activation);
}
