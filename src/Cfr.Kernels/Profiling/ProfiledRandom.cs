namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IRandom"/> with its time and cost noted.</summary>
sealed class ProfiledRandom(IRandom random, Profiler profiler) : IRandom
{
    public void Uniform(RandomKey key, View y, float low, float high)
    {
        using (profiler.Call("uniform", $"{y.Count}", 0, View.Bytes(y)))
            random.Uniform(key, y, low, high);
    }

    public void Normal(RandomKey key, View y, float mean, float deviation)
    {
        using (profiler.Call("normal", $"{y.Count}", 0, View.Bytes(y)))
            random.Normal(key, y, mean, deviation);
    }

    public void Dropout(RandomKey key, float rate, long outer, long middle, long inner, View x, View y)
    {
        using (profiler.Call("dropout", $"{outer}x{middle}x{inner}", 0, View.Bytes(x, y)))
            random.Dropout(key, rate, outer, middle, inner, x, y);
    }
}
