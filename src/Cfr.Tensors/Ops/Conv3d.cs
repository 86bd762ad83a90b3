using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Convolution of volumes. Formulas: <see cref="Convolution"/>.
///   x [N, D, H, W, in], weight [kD, kH, kW, in, out], bias [out] or none -> y [N, D', H', W', out],
///   H' = (H + 2 padding - kernel) / stride + 1, rounded down
/// </summary>
public static class Conv3dOp
{
    /// <summary>
    /// The same stride and padding along every axis. What <paramref name="measure"/> says is at hand for a norm of the result.
    /// </summary>
    public static Tensor Conv3d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0,
        Measure measure = Measure.Nothing)
    {
        Expect.Shape(nameof(Conv3d), nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        return Convolution.Forward(
            nameof(Conv3d), x, weight, bias, new Extent(stride, stride, stride), new Extent(padding, padding, padding),
            measure);
    }
}
