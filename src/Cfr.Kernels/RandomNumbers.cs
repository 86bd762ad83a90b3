namespace Cfr.Kernels;

/// <summary>
/// Random numbers one after another, on the host: the words of one <see cref="Philox"/> stream in order. What is drawn
/// depends on the key alone, so a key made of a seed, a purpose and a position (iteration, slot) can be drawn from by
/// any thread at any time.
/// </summary>
/// <example><code>
/// var random = new RandomNumbers(RandomKey.For(seed, "crop", iteration));
/// int offset = random.Below(33);
/// </code></example>
public sealed class RandomNumbers(RandomKey key)
{
    (uint, uint, uint, uint) _words;
    ulong _block;
    int _used = Philox.Words;

    /// <summary>32 random bits.</summary>
    public uint Word()
    {
        if (_used == Philox.Words)
        {
            _words = Philox.Block(_block++, key.Stream, key.Seed);
            _used = 0;
        }
        return _used++ switch { 0 => _words.Item1, 1 => _words.Item2, 2 => _words.Item3, _ => _words.Item4 };
    }

    /// <summary>Uniform whole number in [0, bound).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        // Lemire 2019: the upper half of word * bound; the few words that would favour some values are drawn again.
        uint favoured = (uint)(-bound) % (uint)bound;
        while (true)
        {
            ulong product = (ulong)Word() * (uint)bound;
            if ((uint)product >= favoured) return (int)(product >> 32);
        }
    }

    /// <summary>Uniform whole number in [low, high).</summary>
    public int Between(int low, int high) => low + Below(high - low);

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float Uniform() => Philox.Uniform(Word());

    /// <summary>Uniform in [low, high).</summary>
    public float Uniform(float low, float high) => low + (high - low) * Uniform();

    /// <summary>A random order of 0 .. count - 1, all equally likely (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
        {
            int j = Below(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /// <summary>Fills with normal numbers of mean 0 and this deviation.</summary>
    public unsafe void Normal(Span<float> values, float deviation = 1)
    {
        float* pair = stackalloc float[2];
        for (int i = 0; i < values.Length; i += 2)
        {
            BoxMuller.Apply(new Lanes1(Uniform() + Philox.UnitOf24Bits), new Lanes1(Uniform()), out Lanes1 first, out Lanes1 second);
            first.Store(pair);
            second.Store(pair + 1);
            values[i] = deviation * pair[0];
            if (i + 1 < values.Length) values[i + 1] = deviation * pair[1];
        }
    }
}
