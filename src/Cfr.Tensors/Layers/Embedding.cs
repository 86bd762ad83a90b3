namespace Cfr.Tensors;

/// <summary>A table of learned vectors: index [..] (int32, in [0, count)) -> y [.., width].</summary>
public sealed class Embedding(Weights weights, int count, int width) : Layer(weights)
{
    readonly Tensor _weight = weights.Parameter("weight", [count, width], Initialize.Normal(1));

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor index) => _weight.Gather(index);
}
