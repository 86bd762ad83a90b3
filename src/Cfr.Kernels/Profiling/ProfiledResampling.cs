namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IResampling"/> with its time and cost noted.</summary>
sealed class ProfiledResampling(IResampling resampling, Profiler profiler) : IResampling
{
    public void Forward(ResamplingShape shape, View x, View y)
    {
        using (profiler.Call("resize forward", Sizes(shape), 0, View.Bytes(x, y)))
            resampling.Forward(shape, x, y);
    }

    public void Backward(ResamplingShape shape, View dy, View dx)
    {
        using (profiler.Call("resize backward", Sizes(shape), 0, View.Bytes(dy, dx)))
            resampling.Backward(shape, dy, dx);
    }

    static string Sizes(ResamplingShape s) => $"{s.Batch}x{s.Input}x{s.Channels} -> {s.Output}";
}
