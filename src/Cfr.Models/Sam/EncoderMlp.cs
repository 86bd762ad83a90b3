using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// The MLP of SAM's image encoder: y = lin2(GELU(lin1(x))) + residual, four times as wide inside.
///   x [.., E], residual alike -> [.., E]
/// </summary>
public sealed class EncoderMlp : Module
{
    const int Widening = 4;

    readonly Linear _lin1, _lin2;

    /// <summary>Creates its weights.</summary>
    internal EncoderMlp(Weights w, int width) : base(w)
    {
        _lin1 = new Linear(w / "lin1", width, Widening * width, activation: Activation.Gelu);
        _lin2 = new Linear(w / "lin2", Widening * width, width);
    }

    /// <summary>The MLP's result plus a residual.</summary>
    internal Tensor Forward(Tensor x, Tensor residual) => _lin1.Forward(x, _lin2, residual);
}
