namespace Cfr.Pipeline.Doctor;

/// <summary>How it stands with something.</summary>
public enum Health
{
    /// <summary>As it should be.</summary>
    Fine,

    /// <summary>Worth knowing; what is there works.</summary>
    Note,

    /// <summary>Broken.</summary>
    Failed,
}

/// <summary>Something that was looked at.</summary>
/// <param name="Name">What: <c>memory</c>.</param>
/// <param name="Health">How it stands.</param>
/// <param name="Text">What was found, in a line.</param>
/// <param name="Seconds">Time that a test took; null for what is only looked up.</param>
public sealed record Finding(string Name, Health Health, string Text, double? Seconds = null);
