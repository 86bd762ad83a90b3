namespace Cfr.Kernels;

/// <summary>
/// relu((x - mean) scale + bias), not computed yet: x <c>[Batch, Spatial, Channels]</c> as the shape says, constants
/// <c>[samples, 3, Channels]</c>: mean, scale and bias of each channel, one sample for all or one each
/// (<see cref="NormShape.AcrossBatch"/>).
/// </summary>
public readonly record struct NormalizedView(NormShape Shape, View X, View Constants);

/// <summary>
/// A gradient of relu(norm x) that is a product of few steps and has not been computed: for each voxel Left <c>[Batch,
/// Spatial, Steps]</c> times Right <c>[Steps, Channels]</c>, of which there is one for all samples or one for each.
/// </summary>
public readonly record struct ProductView(View Left, View Right, int Steps, bool EachSample);

/// <summary>
/// Normalisation as a part of the convolutions around it. It is put off until what it makes is read, by a convolution that
/// normalises what it loads or by a sum: it reads the bits that <see cref="INormalization.Normalize"/> with
/// <see cref="Activation.Relu"/> gives. A convolution of one voxel with few outputs adds up its products in another
/// order than <see cref="IConvolution"/> does; all others give the same bits. Moments are taken of outputs as a
/// convolution stores them, box by box, a box being any set of voxels: <c>[3, channels, boxes]</c>, count, mean and sum of
/// squared deviations; boxes of a sample are neighbours where they are to be told apart. Outputs begin at multiples of 16
/// bytes.
/// </summary>
public interface IFusedNormalization
{
    /// <summary><see cref="INormalization.Statistics"/> of moments, where each channel has its own.</summary>
    void Statistics(NormShape shape, View moments, View mean, View variance);

    /// <summary>
    /// The constants of a <see cref="NormalizedView"/>; scale = weight / sqrt(variance + eps). Before that, where there are
    /// moments, <see cref="Statistics"/>; besides, where there is something running,
    /// <see cref="INormalization.UpdateRunning"/>.
    /// </summary>
    void Constants(
        NormShape shape, float eps, View moments, View mean, View variance, View weight, View bias, View constants,
        RunningView running = default);

    /// <summary>
    /// Constants <c>[Batch, 3, Channels]</c> of x with each channel of each sample times a factor
    /// <c>[Batch, Channels]</c>, none of them negative: relu(v) m = relu(v m). A power of two gives the bits of the
    /// product, another factor may differ in the last one, and 0 gives zeros where x is finite.
    /// </summary>
    void Scale(NormalizedView x, View factors, View constants);

    /// <summary>y = x</summary>
    void Write(NormalizedView x, View y);

    /// <summary>y = a + b</summary>
    void Add(NormalizedView a, NormalizedView b, View y);

    /// <summary>y = a + b</summary>
    void Add(NormalizedView a, View b, View y);

    /// <summary>Whether this convolution's forward pass can read x so.</summary>
    bool CanRead(ConvolutionShape shape, NormalizedView x);

    /// <summary>
    /// In how many boxes this convolution's forward pass would measure what it stores, each channel over the batch or in
    /// each sample; 0 where it cannot.
    /// </summary>
    int MeasuredBoxes(ConvolutionShape shape, bool acrossBatch);

    /// <summary>
    /// <see cref="IConvolution.Forward"/> of such an x, or of x itself where there are no constants, and moments of y where
    /// they are wanted.
    /// </summary>
    void Forward(ConvolutionShape shape, NormalizedView x, View w, View bias, View y, View moments = default);

    /// <summary>
    /// Whether this convolution's input gradient, which is a transposed convolution of dy, can read dy so.
    /// </summary>
    bool CanReadTransposed(ConvolutionShape shape, NormalizedView dy);

    /// <summary>In how many boxes it would measure what it stores, as many channels as x has; 0 where it cannot.</summary>
    int MeasuredBoxesTransposed(ConvolutionShape shape, bool acrossBatch);

    /// <summary>
    /// <see cref="IConvolution.InputGradient"/> of such a dy, or of dy itself where there are no constants, and
    /// moments of dx where they are wanted.
    /// </summary>
    void InputGradient(ConvolutionShape shape, NormalizedView dy, View w, View bias, View dx, View moments = default);

    /// <summary>Whether this convolution's weight gradient can read x so.</summary>
    bool CanReadForWeights(ConvolutionShape shape, NormalizedView x);

    /// <summary><see cref="IConvolution.WeightGradient"/> of such an x.</summary>
    void WeightGradient(ConvolutionShape shape, NormalizedView x, View dy, View dw);

    /// <summary>Whether it can read dy so, the input of a transposed convolution.</summary>
    bool CanReadTransposedForWeights(ConvolutionShape shape, NormalizedView dy);

    /// <summary><see cref="IConvolution.WeightGradient"/> of such a dy.</summary>
    void WeightGradient(ConvolutionShape shape, View x, NormalizedView dy, View dw);

    /// <summary>
    /// Whether the backward pass of such a norm can take a gradient that is a product of so many steps.
    /// </summary>
    bool CanReadProduct(NormShape shape, int steps);

    /// <summary>
    /// <see cref="INormalization.Backward"/> through <see cref="Activation.Relu"/>; dy is computed as it is read.
    /// </summary>
    void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, bool fixedStatistics,
        ProductView dy, View dx, View dWeight, View dBias);
}
