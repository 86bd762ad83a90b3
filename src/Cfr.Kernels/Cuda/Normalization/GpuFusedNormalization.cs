namespace Cfr.Kernels.Cuda;

/// <summary>
/// Normalisation in the load of a convolution, statistics in the store: what a layer makes is then read once raw, by the
/// next one, instead of being read, read, written and read again.
/// </summary>
sealed class GpuFusedNormalization(GpuDevice gpu) : IFusedNormalization
{
    readonly GpuChannelNorm _norm = new(gpu);

    GpuConvolution Convolution => (GpuConvolution)gpu.Convolution;

    public void Statistics(NormShape shape, View moments, View mean, View variance) => _norm.Constants(
        shape, moments, new ChannelNormParameters(0, mean, variance, default, default), default, default);

    public void Constants(
        NormShape shape, float eps, View moments, View mean, View variance, View weight, View bias, View constants,
        RunningView running = default) => _norm.Constants(
        shape, moments, new ChannelNormParameters(eps, mean, variance, weight, bias), constants, running);

    public void Scale(NormalizedView x, View factors, View constants) =>
        ChannelFactors.Launch(gpu, x, factors, constants);

    public void Write(NormalizedView x, View y) => _norm.Write(x, default, default, y);

    public void Add(NormalizedView a, NormalizedView b, View y) => _norm.Write(a, b.X, b.Constants, y);

    public void Add(NormalizedView a, View b, View y) => _norm.Write(a, b, default, y);

    public int MeasuredBoxes(ConvolutionShape shape, bool acrossBatch) =>
        Convolution.MeasuredBoxes(shape, acrossBatch);

    public bool CanRead(ConvolutionShape shape, NormalizedView x) => Convolution.CanRead(shape, x);

    public void Forward(
        ConvolutionShape shape, NormalizedView x, View w, View bias, View y, View moments = default) =>
        Convolution.Forward(shape, x, w, bias, y, moments);

    public bool CanReadTransposed(ConvolutionShape shape, NormalizedView dy) =>
        Convolution.CanReadTransposed(shape, dy);

    public int MeasuredBoxesTransposed(ConvolutionShape shape, bool acrossBatch) =>
        Convolution.MeasuredBoxesTransposed(shape, acrossBatch);

    public void InputGradient(
        ConvolutionShape shape, NormalizedView dy, View w, View bias, View dx, View moments = default) =>
        Convolution.InputGradient(shape, dy, w, bias, dx, moments);

    public bool CanReadForWeights(ConvolutionShape shape, NormalizedView x) => Convolution.CanReadForWeights(shape, x);

    public void WeightGradient(ConvolutionShape shape, NormalizedView x, View dy, View dw) =>
        Convolution.WeightGradient(shape, x, dy, dw);

    public bool CanReadTransposedForWeights(ConvolutionShape shape, NormalizedView dy) =>
        Convolution.CanReadTransposedForWeights(shape, dy);

    public void WeightGradient(ConvolutionShape shape, View x, NormalizedView dy, View dw) =>
        Convolution.WeightGradient(shape, x, dy, dw);

    public bool CanReadProduct(NormShape shape, int steps) =>
        steps <= ProductGradient.MostSteps && shape.Channels % FourLanes.Width == 0
        && steps * shape.Batch * shape.Spatial <= int.MaxValue;

    public void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, bool fixedStatistics,
        ProductView dy, View dx, View dWeight, View dBias) => _norm.Backward(
        shape, new ChannelNormParameters(eps, mean, variance, weight, bias), x, Activation.Relu, fixedStatistics,
        NormGradient.Of(shape, dy), dx, dWeight, dBias);
}
