using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// The adapter of 3DSAM-adapter (Gong 2023), half as wide inside, where neighbours along all three axes meet:
///   x + ReLU(linear2(ReLU(conv(ReLU(linear1(x))))))      x [B, D, H, W, E] -> [B, D, H, W, E]
/// The convolution is depthwise, 3x3x3.
/// </summary>
public sealed class Sam3dAdapter : Layer
{
    readonly Linear _linear1, _linear2;
    readonly DepthwiseConv3d _convolution;

    /// <summary>Creates its weights.</summary>
    internal Sam3dAdapter(Weights w, int width) : base(w)
    {
        _linear1 = new Linear(w / "linear1", width, width / 2, activation: Activation.Relu);
        _convolution = new DepthwiseConv3d(w / "conv", width / 2, kernel: 3);
        _linear2 = new Linear(w / "linear2", width / 2, width, activation: Activation.Relu);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) =>
        _linear2.Forward(_convolution.Forward(_linear1.Forward(x)).Relu(), residual: x);
}
