namespace Cfr.Tensors;

/// <summary>
/// A part of a network: it holds its sub-modules and creates its weights under their checkpoint names.
/// </summary>
public abstract class Module(Weights weights)
{
    /// <summary>Its path in the model's state.</summary>
    public Weights Weights { get; } = weights;

    /// <summary>Whether the model is being trained.</summary>
    protected bool Training => Weights.Training;
}

/// <summary>A module of one input and one output.</summary>
public abstract class Layer(Weights weights) : Module(weights)
{
    /// <summary>
    /// The layer's result. What it makes on the way goes back to the pool, except what the tape needs.
    /// </summary>
    public Tensor Forward(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(Compute(x));
    }

    /// <summary>The layer's own computation.</summary>
    protected abstract Tensor Compute(Tensor x);
}

/// <summary>Layers one after the other.</summary>
public sealed class Sequential(Weights weights, params Layer[] layers) : Layer(weights)
{
    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x)
    {
        Tensor input = x;
        foreach (Layer layer in layers)
        {
            Tensor y = layer.Forward(x);
            if (x != input && x != y) x.Session.CurrentScope!.ReleaseEarly(x);
            x = y;
        }
        return x;
    }
}

/// <summary>A layer without weights: an activation, a resize.</summary>
public sealed class Function(Weights weights, Func<Tensor, Tensor> function) : Layer(weights)
{
    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => function(x);
}
