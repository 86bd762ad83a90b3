namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IFusedNormalization"/> with its time and cost noted.</summary>
sealed class ProfiledFusedNormalization(IFusedNormalization fused, Profiler profiler) : IFusedNormalization
{
    public void Statistics(NormShape shape, View moments, View mean, View variance)
    {
        using (profiler.Call("norm statistics", Sizes(shape), 0, View.Bytes(moments, mean, variance)))
            fused.Statistics(shape, moments, mean, variance);
    }

    public void Constants(
        NormShape shape, float eps, View moments, View mean, View variance, View weight, View bias, View constants,
        RunningView running = default)
    {
        double bytes = View.Bytes(moments, mean, variance, weight, bias, constants)
            + ProfiledNormalization.Bytes(running);
        using (profiler.Call("norm constants", Sizes(shape), 0, bytes))
            fused.Constants(shape, eps, moments, mean, variance, weight, bias, constants, running);
    }

    public void Scale(NormalizedView x, View factors, View constants)
    {
        using (profiler.Call("norm constants", Sizes(x.Shape), 0, View.Bytes(x.Constants, factors, constants)))
            fused.Scale(x, factors, constants);
    }

    public void Write(NormalizedView x, View y)
    {
        using (profiler.Call("norm forward", Sizes(x.Shape), 0, View.Bytes(x.X, x.Constants, y)))
            fused.Write(x, y);
    }

    public void Add(NormalizedView a, NormalizedView b, View y)
    {
        using (profiler.Call("norm and add", Sizes(a.Shape), 0, View.Bytes(a.X, a.Constants, b.X, b.Constants, y)))
            fused.Add(a, b, y);
    }

    public void Add(NormalizedView a, View b, View y)
    {
        using (profiler.Call("norm and add", Sizes(a.Shape), 0, View.Bytes(a.X, a.Constants, b, y)))
            fused.Add(a, b, y);
    }

    public bool CanRead(ConvolutionShape shape, NormalizedView x) => fused.CanRead(shape, x);

    public int MeasuredBoxes(ConvolutionShape shape, bool acrossBatch) => fused.MeasuredBoxes(shape, acrossBatch);

    public void Forward(
        ConvolutionShape shape, NormalizedView x, View w, View bias, View y, View moments = default)
    {
        double bytes = View.Bytes(x.X, x.Constants, w, bias, y, moments);
        using (profiler.Call("convolution forward", ProfiledConvolution.Sizes(shape), shape.Flop, bytes))
            fused.Forward(shape, x, w, bias, y, moments);
    }

    public bool CanReadTransposed(ConvolutionShape shape, NormalizedView dy) => fused.CanReadTransposed(shape, dy);

    public int MeasuredBoxesTransposed(ConvolutionShape shape, bool acrossBatch) =>
        fused.MeasuredBoxesTransposed(shape, acrossBatch);

    public void InputGradient(
        ConvolutionShape shape, NormalizedView dy, View w, View bias, View dx, View moments = default)
    {
        double bytes = View.Bytes(dy.X, dy.Constants, w, bias, dx, moments);
        using (profiler.Call("convolution input gradient", ProfiledConvolution.Sizes(shape), shape.Flop, bytes))
            fused.InputGradient(shape, dy, w, bias, dx, moments);
    }

    public bool CanReadForWeights(ConvolutionShape shape, NormalizedView x) => fused.CanReadForWeights(shape, x);

    public void WeightGradient(ConvolutionShape shape, NormalizedView x, View dy, View dw)
    {
        string sizes = ProfiledConvolution.Sizes(shape);
        using (profiler.Call(
            "convolution weight gradient", sizes, shape.Flop, View.Bytes(x.X, x.Constants, dy, dw)))
            fused.WeightGradient(shape, x, dy, dw);
    }

    public bool CanReadTransposedForWeights(ConvolutionShape shape, NormalizedView dy) =>
        fused.CanReadTransposedForWeights(shape, dy);

    public void WeightGradient(ConvolutionShape shape, View x, NormalizedView dy, View dw)
    {
        string sizes = ProfiledConvolution.Sizes(shape);
        using (profiler.Call(
            "convolution weight gradient", sizes, shape.Flop, View.Bytes(x, dy.X, dy.Constants, dw)))
            fused.WeightGradient(shape, x, dy, dw);
    }

    public bool CanReadProduct(NormShape shape, int steps) => fused.CanReadProduct(shape, steps);

    public void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, bool fixedStatistics,
        ProductView dy, View dx, View dWeight, View dBias)
    {
        double bytes = View.Bytes(x, mean, variance, weight, bias, dy.Left, dy.Right, dx, dWeight, dBias);
        using (profiler.Call("norm backward", Sizes(shape), 2.0 * x.Count * dy.Steps, bytes))
            fused.Backward(
                shape, eps, x, mean, variance, weight, bias, fixedStatistics, dy, dx, dWeight, dBias);
    }

    static string Sizes(NormShape shape) => ProfiledNormalization.Sizes(shape);
}
