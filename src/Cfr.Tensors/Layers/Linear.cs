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
        weights.Add(this);
    }

    /// <summary>How many inputs it has.</summary>
    public int Inputs => _weight.Size(1);

    /// <summary>How many outputs it has.</summary>
    public int Outputs => _weight.Size(0);

    /// <summary>b, which is also the result for x = 0, before the activation; null without one.</summary>
    public Tensor? Bias => _bias;

    /// <summary>Changes of low rank that it makes to x W^T + b; none at first.</summary>
    public IReadOnlyList<LowRankPart> LowRank { get; set; } = [];

    /// <summary>
    /// act(x W^T + b) + residual, without changes of low rank the sum in the same pass; the residual has the shape of the result.
    /// </summary>
    public Tensor Forward(Tensor x, Tensor residual)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(Compute(x, residual));
    }

    /// <summary>
    /// next(this(x)) + residual; without changes of low rank what is between them has the type in which products take it
    /// (<see cref="MlpOp"/>).
    /// </summary>
    public Tensor Forward(Tensor x, Linear next, Tensor residual)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(
            LowRank.Count + next.LowRank.Count > 0 || next._activation != Activation.None
                ? next.Compute(Compute(x, residual: null), residual)
                : x.Mlp(_weight, _bias, _activation, next._weight, next._bias, residual));
    }

    /// <summary>The same for an attention to read, which has it stored in the type in which products take it.</summary>
    public Tensor ForAttention(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(LowRank.Count == 0 ? x.Linear(_weight, _bias, _activation, putOff: true) : Compute(x));
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => Compute(x, residual: null);

    Tensor Compute(Tensor x, Tensor? residual)
    {
        if (LowRank.Count == 0) return x.Linear(_weight, _bias, _activation, residual);
        Tensor z = x.LowRankLinear(_weight, _bias, LowRank);
        Tensor y = _activation switch
        {
            Activation.Relu => z.Relu(),
            Activation.Gelu => z.Gelu(),
            _ => z,
        };
        return residual is null ? y : y + residual;
    }
}
