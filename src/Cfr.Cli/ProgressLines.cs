using Cfr.Cli.Training;

namespace Cfr.Cli;

/// <summary>
/// How far work is, for files and pipes: <c>segmenting 120/400 (30 %), 0:28 left</c>, a line a second at most, the first after
/// two seconds. May be told from any thread.
/// </summary>
sealed class ProgressLines(string what, TextWriter output, TimeProvider time)
{
    static readonly TimeSpan Between = TimeSpan.FromSeconds(1), Silence = TimeSpan.FromSeconds(2);

    readonly Lock _gate = new();
    readonly long _start = time.GetTimestamp();
    long? _written;
    int _done;

    /// <summary>So much is done of so much.</summary>
    public void Tell(int done, int all)
    {
        lock (_gate)
        {
            _done = Math.Max(_done, done);
            TimeSpan elapsed = time.GetElapsedTime(_start);
            bool isDue = _written is { } last ? time.GetElapsedTime(last) >= Between : elapsed >= Silence;
            if (!isDue || _done == 0) return;
            _written = time.GetTimestamp();
            double left = elapsed.TotalSeconds * (all - _done) / _done;
            output.WriteLine($"{what} {_done}/{all} ({100L * _done / Math.Max(all, 1)} %), {TrainingSummary.Time(left)} left");
        }
    }
}
