using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Transposed convolution of volumes.   x [N, D, H, W, in], weight [kD, kH, kW, out, in], bias [out] or none
/// -> y [N, D', H', W', out], H' = (H - 1) stride - 2 padding + kernel. Formulas: <see cref="Convolution"/>.
/// </summary>
public static class ConvTranspose3dOp
{
    /// <summary>
    /// The same stride and padding along every axis. What <paramref name="measure"/> says is at hand for a norm of the
    /// result.
    /// </summary>
    public static Tensor ConvTranspose3d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0,
        Measure measure = Measure.Nothing)
    {
        Expect.Shape(nameof(ConvTranspose3d), nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        return Convolution.Transposed(
            nameof(ConvTranspose3d), x, weight, bias, new Extent(stride, stride, stride),
            new Extent(padding, padding, padding), measure);
    }
}
