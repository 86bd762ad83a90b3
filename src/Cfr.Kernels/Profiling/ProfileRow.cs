namespace Cfr.Kernels.Profiling;

/// <summary>A line of a profile.</summary>
/// <param name="Name">Family and kernel: <c>convolution forward</c>.</param>
/// <param name="Sizes">What the calls worked on; empty where calls of all sizes are added up.</param>
/// <param name="Calls">How many.</param>
/// <param name="Seconds">What they took: on a GPU the kernels, else the calls.</param>
/// <param name="Flop">Floating-point operations of the formula, 0 where bytes alone count.</param>
/// <param name="Bytes">Inputs once, outputs once.</param>
/// <param name="LeastSeconds">What the device's roofline allows; null where it is not known.</param>
/// <param name="Kernels">The GPU kernels that were launched.</param>
public sealed record ProfileRow(
    string Name, string Sizes, long Calls, double Seconds, double Flop, double Bytes, double? LeastSeconds,
    IReadOnlyList<KernelTime> Kernels);

/// <summary>A GPU kernel's part of a <see cref="ProfileRow"/>.</summary>
public sealed record KernelTime(string Name, long Launches, double Seconds);

/// <summary>Copies or waits of the host.</summary>
public sealed class HostWork
{
    /// <summary>How often.</summary>
    public long Calls { get; internal set; }

    /// <summary>How many bytes were copied.</summary>
    public double Bytes { get; internal set; }

    /// <summary>How long the host stood there; on a GPU that includes the kernels it waited for.</summary>
    public double Seconds { get; internal set; }
}

/// <summary>All calls of one kernel with the same sizes.</summary>
sealed class FamilyCall(string name, string sizes)
{
    public string Name { get; } = name;

    public string Sizes { get; } = sizes;

    public long Calls { get; set; }

    public Cost Cost { get; set; }

    public double HostSeconds { get; set; }

    public Dictionary<string, KernelTotal> Kernels { get; } = [];

    /// <summary>A GPU's host only launches; a call that launched nothing is its own kernel.</summary>
    public double Seconds => Kernels.Count > 0 ? Kernels.Values.Sum(kernel => kernel.Seconds) : HostSeconds;
}

/// <summary>All launches of a GPU kernel by one call.</summary>
sealed class KernelTotal
{
    public long Launches { get; set; }

    public double Seconds { get; set; }
}

/// <summary>What a graph will do with each replay.</summary>
sealed class RecordedWork
{
    public int Launches { get; set; }

    public Cost Cost { get; set; }
}

/// <summary>
/// What calls must do at least. Each of them is bound by computing or by moving, so least times are added up, not derived from sums.
/// </summary>
readonly record struct Cost(double Flop, double Bytes, double LeastSeconds)
{
    public static Cost operator +(Cost a, Cost b) =>
        new(a.Flop + b.Flop, a.Bytes + b.Bytes, a.LeastSeconds + b.LeastSeconds);
}
