namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IConvolution"/> with its time and cost noted.</summary>
sealed class ProfiledConvolution(IConvolution convolution, Profiler profiler) : IConvolution
{
    public void Forward(ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None)
    {
        using (profiler.Call("convolution forward", Sizes(shape), shape.Flop, View.Bytes(x, w, bias, y)))
            convolution.Forward(shape, x, w, bias, y, activation);
    }

    public void InputGradient(
        ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None,
        bool accumulate = false)
    {
        double bytes = View.Bytes(dy, w, bias, dx) + (accumulate ? View.Bytes(dx) : 0);
        using (profiler.Call("convolution input gradient", Sizes(shape), shape.Flop, bytes))
            convolution.InputGradient(shape, dy, w, bias, dx, activation, accumulate);
    }

    public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw)
    {
        using (profiler.Call("convolution weight gradient", Sizes(shape), shape.Flop, View.Bytes(x, dy, dw)))
            convolution.WeightGradient(shape, x, dy, dw);
    }

    internal static string Sizes(ConvolutionShape s) =>
        $"{s.Batch}x{s.Input}x{s.InChannels} -> {s.Output}x{s.OutChannels}, kernel {s.Kernel}";
}
