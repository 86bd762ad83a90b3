namespace Cfr.Kernels.Cuda;

/// <summary>
/// Launches of the emulator, kept with their arguments: what a kernel was told by value is the same in every replay, as
/// it is in a graph of the driver.
/// </summary>
sealed class EmulatedGraph(EmulatedDevice device, List<Action> launches, Shelf shelf) : LaunchGraph
{
    bool _disposed;

    public override void Replay()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (Action launch in launches) launch();
    }

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        device.Pool.Merge(shelf);
    }
}
