using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A seed and a count of how often it was drawn from. Each draw is a Philox stream of its own, so the numbers depend on
/// the seed and on which draw it is, not on the device or on who else is computing.
/// </summary>
public sealed class RandomStream(ulong seed)
{
    /// <summary>The seed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Draws made so far; set it to continue where a saved run stopped.</summary>
    public ulong Draws { get; set; }

    /// <summary>The key of the next draw.</summary>
    public RandomKey Next() => new(Seed, Draws++);
}
