using System.Runtime.ExceptionServices;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Makes what iterations need ahead of them, on threads of its own. What is made depends on the iteration alone, so the sequence is
/// the same however threads are timed, and a run continues by starting at the iteration where it stopped.
/// </summary>
sealed class AheadLoader<T> : IDisposable where T : class
{
    readonly Func<long, T> _make;
    readonly int _ahead;
    readonly Thread[] _threads;
    readonly object _gate = new();
    readonly Dictionary<long, (T? Result, Exception? Fault)> _made = [];
    long _next;
    bool _stopped;

    /// <summary>Starts making.</summary>
    /// <param name="make">Makes what an iteration needs; called by several threads.</param>
    /// <param name="start">The first iteration.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="ahead">Iterations that are made before they are wanted.</param>
    public AheadLoader(Func<long, T> make, long start, int threads, int ahead)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ahead);
        (_make, _ahead) = (make, ahead);
        Position = _next = start;
        _threads = [.. Enumerable.Range(0, threads).Select(i => new Thread(Work)
        {
            IsBackground = true, Name = $"batch loader {i}",
        })];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>The iteration that <see cref="Next"/> returns something for.</summary>
    public long Position { get; private set; }

    /// <summary>What the next iteration needs, waiting for it if need be.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    /// <remarks>What went wrong while it was made is thrown here, as it was.</remarks>
    public T Next(CancellationToken cancel = default)
    {
        using var wake = cancel.Register(WakeAll);
        lock (_gate)
        {
            (T? Result, Exception? Fault) made;
            while (!_made.TryGetValue(Position, out made))
            {
                cancel.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(_stopped, this);
                Monitor.Wait(_gate);
            }
            if (made.Fault is not null) ExceptionDispatchInfo.Throw(made.Fault);
            _made.Remove(Position++);
            Monitor.PulseAll(_gate);
            return made.Result!;
        }
    }

    /// <summary>Stops the threads, after what each is making.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads) thread.Join();
    }

    void Work()
    {
        while (Claim() is { } iteration)
        {
            (T? Result, Exception? Fault) made;
            try
            {
                made = (_make(iteration), null);
            }
            catch (Exception fault)
            {
                made = (null, fault);
            }
            lock (_gate)
            {
                _made[iteration] = made;
                Monitor.PulseAll(_gate);
            }
            if (made.Fault is not null) return;
        }
    }

    long? Claim()
    {
        lock (_gate)
        {
            while (!_stopped && _next - Position >= _ahead) Monitor.Wait(_gate);
            return _stopped ? null : _next++;
        }
    }

    void WakeAll()
    {
        lock (_gate) Monitor.PulseAll(_gate);
    }
}
