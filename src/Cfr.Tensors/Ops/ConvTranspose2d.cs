using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Transposed convolution of images. Formulas: <see cref="Convolution"/>.
///   x [N, H, W, in], weight [kH, kW, out, in], bias [out] or none -> y [N, H', W', out],
///   H' = (H - 1) stride - 2 padding + kernel
/// </summary>
public static class ConvTranspose2dOp
{
    /// <summary>The same stride and padding along every axis.</summary>
    public static Tensor ConvTranspose2d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
    {
        Expect.Shape(nameof(ConvTranspose2d), nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        return Convolution.Transposed(
            nameof(ConvTranspose2d), x, weight, bias, new Extent(1, stride, stride), new Extent(0, padding, padding));
    }
}
