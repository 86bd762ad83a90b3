namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IPooling"/> with its time and cost noted.</summary>
sealed class ProfiledPooling(IPooling pooling, Profiler profiler) : IPooling
{
    public void MaxForward(PoolingShape shape, View x, View y, View argMax)
    {
        using (profiler.Call("max pooling forward", Sizes(shape), 0, View.Bytes(x, y, argMax)))
            pooling.MaxForward(shape, x, y, argMax);
    }

    public void MaxBackward(PoolingShape shape, View dy, View argMax, View dx)
    {
        using (profiler.Call("max pooling backward", Sizes(shape), 0, View.Bytes(dy, argMax, dx)))
            pooling.MaxBackward(shape, dy, argMax, dx);
    }

    static string Sizes(PoolingShape s) => $"{s.Batch}x{s.Input}x{s.Channels} -> {s.Output}";
}
