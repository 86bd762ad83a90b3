using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A seed and a count of how often it was drawn from. Each draw is a Philox stream of its own, so the numbers depend on
/// the seed and on which draw it is, not on the device or on who else is computing.
/// </summary>
public sealed class RandomStream(ulong seed)
{
    View _origin;
    ulong _first;

    /// <summary>The seed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Draws made so far; set it to continue where a saved run stopped.</summary>
    public ulong Draws { get; set; }

    /// <summary>The key of the next draw.</summary>
    public RandomKey Next() => new(Seed, Draws++ - _first, _origin);

    /// <summary>
    /// From now on keys are counted from a number on the device, which holds <see cref="Draws"/> as it is now, or what
    /// it will be when the draws are replayed.
    /// </summary>
    internal void CountFrom(View origin) => (_origin, _first) = (origin, Draws);

    /// <summary>Ends what <see cref="CountFrom"/> began.</summary>
    internal void CountFromZero() => (_origin, _first) = (default, 0);
}
