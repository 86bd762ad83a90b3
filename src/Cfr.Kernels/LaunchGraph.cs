namespace Cfr.Kernels;

/// <summary>
/// A recorded sequence of launches that starts with one call, with the very arguments that it was recorded with. It owns
/// the memory that was rented while it was recorded; what it reads besides must stay where it was.
/// </summary>
public abstract class LaunchGraph : IDisposable
{
    /// <summary>Starts the launches again, in order; returns before they have run.</summary>
    public abstract void Replay();

    /// <summary>Frees the recording; its memory goes back to the pool.</summary>
    public abstract void Dispose();
}
