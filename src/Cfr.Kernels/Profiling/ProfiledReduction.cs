namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IReduction"/> with its time and cost noted.</summary>
sealed class ProfiledReduction(IReduction reduction, Profiler profiler) : IReduction
{
    public void Sum(long outer, long middle, long inner, View x, View y, float scale = 1, bool accumulate = false)
    {
        double bytes = View.Bytes(x, y) + (accumulate ? View.Bytes(y) : 0);
        using (profiler.Call("sum", $"{outer}x{middle}x{inner}", 0, bytes))
            reduction.Sum(outer, middle, inner, x, y, scale, accumulate);
    }

    public void Max(long outer, long middle, long inner, View x, View y, View index)
    {
        using (profiler.Call("max forward", $"{outer}x{middle}x{inner}", 0, View.Bytes(x, y, index)))
            reduction.Max(outer, middle, inner, x, y, index);
    }

    public void MaxBackward(long outer, long middle, long inner, View dy, View index, View dx)
    {
        using (profiler.Call("max backward", $"{outer}x{middle}x{inner}", 0, View.Bytes(dy, index, dx)))
            reduction.MaxBackward(outer, middle, inner, dy, index, dx);
    }

    public void ArgMax(long outer, long middle, long inner, View x, View index)
    {
        using (profiler.Call("arg-max", $"{outer}x{middle}x{inner}", 0, View.Bytes(x, index)))
            reduction.ArgMax(outer, middle, inner, x, index);
    }
}
