namespace Cfr.Kernels.Profiling;

/// <summary><see cref="INormalization"/> with its time and cost noted.</summary>
sealed class ProfiledNormalization(INormalization normalization, Profiler profiler) : INormalization
{
    public void LayerForward(
        long rows, int width, float eps, View x, View weight, View bias, View y, View mean, View inverseDeviation)
    {
        using (profiler.Call(
            "layer norm forward", $"{rows}x{width}", 0, View.Bytes(x, weight, bias, y, mean, inverseDeviation)))
            normalization.LayerForward(rows, width, eps, x, weight, bias, y, mean, inverseDeviation);
    }

    public void LayerBackward(
        long rows, int width, View x, View weight, View mean, View inverseDeviation, View dy,
        View dx, View dWeight, View dBias, bool accumulate = false)
    {
        double bytes = View.Bytes(x, weight, mean, inverseDeviation, dy, dx, dWeight, dBias);
        if (accumulate) bytes += View.Bytes(dx);
        using (profiler.Call("layer norm backward", $"{rows}x{width}", 0, bytes))
            normalization.LayerBackward(
                rows, width, x, weight, mean, inverseDeviation, dy, dx, dWeight, dBias, accumulate);
    }

    public void Statistics(NormShape shape, View x, View mean, View variance)
    {
        using (profiler.Call("norm statistics", Sizes(shape), 0, View.Bytes(x, mean, variance)))
            normalization.Statistics(shape, x, mean, variance);
    }

    public void UpdateRunning(NormShape shape, View mean, View variance, RunningView running)
    {
        double bytes = View.Bytes(mean, variance) + Bytes(running);
        using (profiler.Call("norm running statistics", Sizes(shape), 0, bytes))
            normalization.UpdateRunning(shape, mean, variance, running);
    }

    public void Normalize(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        View y)
    {
        using (profiler.Call("norm forward", Sizes(shape), 0, View.Bytes(x, mean, variance, weight, bias, y)))
            normalization.Normalize(shape, eps, x, mean, variance, weight, bias, activation, y);
    }

    public void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        bool fixedStatistics, View dy, View dx, View dWeight, View dBias)
    {
        double bytes = View.Bytes(x, mean, variance, weight, bias, dy, dx, dWeight, dBias);
        using (profiler.Call("norm backward", Sizes(shape), 0, bytes))
            normalization.Backward(
                shape, eps, x, mean, variance, weight, bias, activation, fixedStatistics, dy, dx, dWeight, dBias);
    }

    /// <summary>Read and written.</summary>
    internal static double Bytes(RunningView running) =>
        2 * View.Bytes(running.Mean, running.Variance, running.Batches);

    internal static string Sizes(NormShape s) => $"{s.Batch}x{s.Spatial}x{s.Channels}";
}
