using System.Diagnostics;

namespace Cfr.Pipeline.Experiments;

/// <summary>Notes the most memory that the process has in use from now on, ten times a second.</summary>
sealed class MemoryWatch : IDisposable
{
    readonly Process _process = Process.GetCurrentProcess();
    readonly Timer _timer;
    long _peak;

    public MemoryWatch() => _timer = new Timer(_ => Look(), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));

    /// <summary>Bytes.</summary>
    public long Peak
    {
        get
        {
            Look();
            return Interlocked.Read(ref _peak);
        }
    }

    public void Dispose()
    {
        using var ended = new ManualResetEvent(false);
        if (_timer.Dispose(ended)) ended.WaitOne();
        _process.Dispose();
    }

    void Look()
    {
        lock (_process)
        {
            _process.Refresh();
            Interlocked.Exchange(ref _peak, Math.Max(_peak, _process.WorkingSet64));
        }
    }
}
