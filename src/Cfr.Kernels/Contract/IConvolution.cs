namespace Cfr.Kernels;

/// <summary>Sizes along the axes of a volume; images have D = 1.</summary>
public readonly record struct Extent(int D, int H, int W)
{
    /// <summary>D H W.</summary>
    public long Voxels => (long)D * H * W;

    /// <inheritdoc/>
    public override string ToString() => $"{D}x{H}x{W}";
}

/// <summary>
/// A convolution of channels-last volumes: input <c>[Batch, Input, InChannels]</c>, output
/// <c>[Batch, Output, OutChannels]</c>, weights <c>[KD, KH, KW, InChannels, OutChannels]</c>, zeros outside the input.
/// <c>y[o] = bias + sum over taps k, channels c: x[o * Stride + k - Padding, c] w[k, c, :]</c>.
/// </summary>
public readonly record struct ConvolutionShape(
    int Batch, Extent Input, int InChannels, Extent Output, int OutChannels, Extent Kernel, Extent Stride, Extent Padding)
{
    /// <summary>Floating-point operations of the forward pass and of either gradient: 2 per multiply-add.</summary>
    public double Flop => 2.0 * Batch * Output.Voxels * OutChannels * InChannels * Kernel.Voxels;

    /// <summary>A kernel of one voxel, without stride or padding: an output belongs to one input.</summary>
    public bool IsPointwise => Kernel.Voxels == 1 && Stride.Voxels == 1 && Padding == default && Input == Output;
}

/// <summary>
/// Convolution and its gradients. A transposed convolution is the same three kernels: its forward pass is
/// <see cref="InputGradient"/> of the mirrored convolution (with a bias), its input gradient is <see cref="Forward"/>.
/// </summary>
public interface IConvolution
{
    /// <summary>y = act(x * w + bias); bias has OutChannels values or is none.</summary>
    void Forward(ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None);

    /// <summary>
    /// dx = act(dy * w^T + bias); bias has InChannels values or is none (a true gradient has none). With
    /// <paramref name="accumulate"/>, which goes with neither bias nor activation, it is added to what dx holds.
    /// </summary>
    void InputGradient(
        ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None,
        bool accumulate = false);

    /// <summary>
    /// dw[k, c, o] = sum over voxels of x dy. (The bias gradient is a column sum: <see cref="IReduction.Sum"/>.)
    /// </summary>
    void WeightGradient(ConvolutionShape shape, View x, View dy, View dw);
}
