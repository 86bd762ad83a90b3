namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IDeferredNormalization"/> with its time and cost noted.</summary>
sealed class ProfiledDeferredNormalization(IDeferredNormalization deferred, Profiler profiler) : IDeferredNormalization
{
    public void Constants(NormShape shape, float eps, View mean, View variance, View weight, View bias, View constants)
    {
        using (profiler.Call("norm constants", Sizes(shape), 0, View.Bytes(mean, variance, weight, bias, constants)))
            deferred.Constants(shape, eps, mean, variance, weight, bias, constants);
    }

    public void Write(NormalizedView x, View y)
    {
        using (profiler.Call("norm forward", Sizes(x.Shape), 0, View.Bytes(x.X, x.Constants, y)))
            deferred.Write(x, y);
    }

    public void Add(NormalizedView a, NormalizedView b, View y)
    {
        using (profiler.Call("norm and add", Sizes(a.Shape), 0, View.Bytes(a.X, a.Constants, b.X, b.Constants, y)))
            deferred.Add(a, b, y);
    }

    public void Add(NormalizedView a, View b, View y)
    {
        using (profiler.Call("norm and add", Sizes(a.Shape), 0, View.Bytes(a.X, a.Constants, b, y)))
            deferred.Add(a, b, y);
    }

    public bool CanRead(ConvolutionShape shape, NormalizedView x) => deferred.CanRead(shape, x);

    public void Forward(ConvolutionShape shape, NormalizedView x, View w, View bias, View y)
    {
        double bytes = View.Bytes(x.X, x.Constants, w, bias, y);
        using (profiler.Call("convolution forward, normalising", ProfiledConvolution.Sizes(shape), shape.Flop, bytes))
            deferred.Forward(shape, x, w, bias, y);
    }

    public bool CanReadForWeights(ConvolutionShape shape, NormalizedView x) => deferred.CanReadForWeights(shape, x);

    public void WeightGradient(ConvolutionShape shape, NormalizedView x, View dy, View dw)
    {
        string sizes = ProfiledConvolution.Sizes(shape);
        using (profiler.Call(
            "convolution weight gradient, normalising", sizes, shape.Flop, View.Bytes(x.X, x.Constants, dy, dw)))
            deferred.WeightGradient(shape, x, dy, dw);
    }

    static string Sizes(NormShape shape) => ProfiledNormalization.Sizes(shape);
}
