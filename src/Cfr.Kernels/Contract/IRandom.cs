namespace Cfr.Kernels;

/// <summary>
/// Where a stream of random numbers begins: Philox4x32-10 with this key; element i of a call uses word i % 4 of counter
/// block
/// <c>(i / 4, Stream)</c>. The same key and stream give the same numbers on every device. Where there is an
/// <c>Origin</c>, one 64-bit number in the device's memory, the stream is counted from it: a recorded launch draws other
/// numbers when it has changed.
/// </summary>
public readonly record struct RandomKey(ulong Seed, ulong Stream, View Origin = default)
{
    /// <summary>The stream as the host sees it.</summary>
    internal unsafe ulong StreamOnHost => Origin.IsNone ? Stream : Stream + *(ulong*)Origin.Address;

    /// <summary>
    /// The key of a named purpose: what is drawn under different names is independent. The seed is mixed with the
    /// FNV-1a hash of the name.
    /// </summary>
    public static RandomKey For(ulong seed, string purpose, ulong stream = 0)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (char letter in purpose) hash = (hash ^ letter) * 0x100000001b3;
        return new RandomKey(seed ^ hash, stream);
    }
}

/// <summary>Random numbers and dropout.</summary>
public interface IRandom
{
    /// <summary>y = low + (high - low) u, u uniform in [0, 1) with 24 bits.</summary>
    void Uniform(RandomKey key, View y, float low, float high);

    /// <summary>y = mean + deviation z, z standard normal (Box-Muller on pairs of words of a block).</summary>
    void Normal(RandomKey key, View y, float mean, float deviation);

    /// <summary>
    /// y = x / (1 - rate) where kept, else 0, for x <c>[outer, middle, inner]</c>: one draw per (outer, inner), number
    /// <c>o inner + i</c>, kept where u >= rate. Element dropout has middle = 1; channel dropout has the voxels there.
    /// The backward pass is the same call on dy.
    /// </summary>
    void Dropout(RandomKey key, float rate, long outer, long middle, long inner, View x, View y);
}
