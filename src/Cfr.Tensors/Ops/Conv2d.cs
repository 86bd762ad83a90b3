using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Convolution of images. Formulas: <see cref="Convolution"/>.
///   x [N, H, W, in], weight [kH, kW, in, out], bias [out] or none -> y [N, H', W', out],
///   H' = (H + 2 padding - kernel) / stride + 1, rounded down
/// </summary>
public static class Conv2dOp
{
    /// <summary>The same stride and padding along every axis.</summary>
    public static Tensor Conv2d(this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
    {
        Expect.Shape(nameof(Conv2d), nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        return Convolution.Forward(
            nameof(Conv2d), x, weight, bias, new Extent(1, stride, stride), new Extent(0, padding, padding));
    }
}
