using System.Runtime.InteropServices;

namespace Cfr.Cli;

/// <summary>
/// Ctrl-C, or being told to terminate, cancels a token instead of ending the process in the middle of something. A second
/// signal has its usual effect.
/// </summary>
sealed class Interruption : IDisposable
{
    readonly CancellationTokenSource _source = new();
    readonly PosixSignalRegistration[] _signals;

    public Interruption() =>
        _signals = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM])
            .Select(signal => PosixSignalRegistration.Create(signal, Stop))];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
        _source.Dispose();
    }

    void Stop(PosixSignalContext signal)
    {
        if (_source.IsCancellationRequested) return;
        signal.Cancel = true;
        if (ErrorStream.IsTerminal) ErrorStream.WriteLine("Stopping; once more stops at once.");
        _source.Cancel();
    }
}
