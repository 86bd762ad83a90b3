using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>y = act(x W^T + b). x [.., inputs], weight [outputs, inputs], bias [outputs] -> y [.., outputs].</summary>
public sealed class Linear : Layer
{
    readonly Tensor _weight;
    readonly Tensor? _bias;
    readonly Activation _activation;

    /// <summary>Creates <c>weight</c> and, if wanted, <c>bias</c>, with PyTorch's initial values.</summary>
    public Linear(
        Weights weights, int inputs, int outputs, bool bias = true, Activation activation = Activation.None)
        : base(weights)
    {
        _weight = weights.Parameter("weight", [outputs, inputs], Initialize.FanIn(inputs));
        _bias = bias ? weights.Parameter("bias", [outputs], Initialize.FanIn(inputs)) : null;
        _activation = activation;
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.Linear(_weight, _bias, _activation);
}
