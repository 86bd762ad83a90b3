namespace Cfr.Kernels;

/// <summary>How values between grid points are found.</summary>
public enum Interpolation
{
    /// <summary>source index floor(i n / m), as PyTorch's "nearest"</summary>
    Nearest,
    /// <summary>linear along each axis: linear, bilinear, trilinear</summary>
    Linear,
}

/// <summary>
/// Resizing <c>[Batch, Input, Channels]</c> to <c>[Batch, Output, Channels]</c>. Linear, per axis, n to m points:
/// position max((i + 0.5) n / m - 0.5, 0), or i (n - 1) / (m - 1) with <c>AlignCorners</c>.
/// </summary>
public readonly record struct ResamplingShape(
    int Batch, Extent Input, Extent Output, int Channels, Interpolation Interpolation, bool AlignCorners = false)
{
    /// <summary>
    /// The axes to resize, one after the other. Those that shrink come first, so that what lies between the passes is
    /// small; those that grow follow from the innermost outwards, so that the passes over most of the data have long
    /// rows.
    /// </summary>
    internal static int[] AxisOrder(int[] sizes, int[] wanted) =>
    [
        .. Enumerable.Range(0, sizes.Length).Where(axis => sizes[axis] != wanted[axis])
            .OrderBy(axis => wanted[axis] < sizes[axis] ? axis : 2 * sizes.Length - axis),
    ];
}

/// <summary>Resizing of images and volumes.</summary>
public interface IResampling
{
    /// <summary>y = resized x.</summary>
    void Forward(ResamplingShape shape, View x, View y);

    /// <summary>dx = the transpose of the resizing applied to dy.</summary>
    void Backward(ResamplingShape shape, View dy, View dx);
}
