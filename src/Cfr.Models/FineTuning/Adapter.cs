using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Adapter, a bottleneck of two linear layers (Houlsby 2019; here as in Medical SAM Adapter, Wu 2023, and SAMUS, Lin
/// 2023): D_fc2(GELU(D_fc1(x))), a quarter as wide inside.   x [.., E] -> [.., E]
/// </summary>
public sealed class Adapter : Layer
{
    const int Narrowing = 4;

    readonly Linear _down, _up;

    /// <summary>Creates its weights.</summary>
    internal Adapter(Weights w, int width) : base(w)
    {
        _down = new Linear(w / "D_fc1", width, width / Narrowing, activation: Activation.Gelu);
        _up = new Linear(w / "D_fc2", width / Narrowing, width);
    }

    /// <summary>The adapter's result plus a residual: x itself where the adapter is skipped over.</summary>
    internal Tensor Forward(Tensor x, Tensor residual)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(_up.Forward(_down.Forward(x), residual));
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => _up.Forward(_down.Forward(x));
}
