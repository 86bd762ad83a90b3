using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>A head of SAM's decoder: three linear layers, ReLU between them. x [.., inputs] -> [.., outputs].</summary>
sealed class HeadMlp(Weights w, int inputs, int hidden, int outputs) : Layer(w)
{
    readonly Layer _layers = new Sequential(w,
        new Linear(w / "layers" / 0, inputs, hidden, activation: Activation.Relu),
        new Linear(w / "layers" / 1, hidden, hidden, activation: Activation.Relu),
        new Linear(w / "layers" / 2, hidden, outputs));

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => _layers.Forward(x);
}
