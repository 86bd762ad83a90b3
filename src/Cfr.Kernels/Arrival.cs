namespace Cfr.Kernels;

/// <summary>A few numbers on their way from a device to the host.</summary>
public abstract class Arrival
{
    /// <summary>Whether <see cref="Wait"/> returns at once.</summary>
    public abstract bool IsThere { get; }

    /// <summary>The numbers, once they are there; to be called once.</summary>
    public abstract float[] Wait();
}

/// <summary>Numbers that were there at once.</summary>
sealed class Arrived(float[] values) : Arrival
{
    public override bool IsThere => true;

    public override float[] Wait() => values;
}
