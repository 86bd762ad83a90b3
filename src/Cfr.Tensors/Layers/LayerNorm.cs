namespace Cfr.Tensors;

/// <summary>
/// Layer norm over the last axis (Ba 2016): x [.., width] -> y of that shape. Also SAM's LayerNorm2d.
/// </summary>
public sealed class LayerNorm(Weights weights, int width, float epsilon = 1e-5f) : Layer(weights)
{
    readonly Tensor _weight = weights.Parameter("weight", [width], Initialize.Constant(1));
    readonly Tensor _bias = weights.Parameter("bias", [width], Initialize.Constant(0));

    /// <summary>What is added, [width]: also what it makes of a token of zeros.</summary>
    public Tensor Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => x.LayerNorm(_weight, _bias, epsilon);
}
