namespace Cfr.Kernels.Cpu;

/// <summary>
/// Splits work over a fixed team of threads. The split into pieces depends on the work alone, never on the number of
/// threads, and a piece writes only what is its own: so results do not depend on the number of threads either.
/// </summary>
sealed class Threads : IDisposable
{
    const int SpinsBeforeSleep = 2000;

    readonly Thread[] _workers;
    readonly SemaphoreSlim _wake = new(0);
    readonly Lock _oneAtATime = new();
    volatile int _generation;
    volatile bool _stop;
    int _sleeping;
    Job _job = new(static (_, _) => { }, 0);

    public Threads(int count)
    {
        Count = count;
        _workers = new Thread[count - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"cfr worker {worker}" };
            _workers[i].Start();
        }
    }

    public int Count { get; }

    /// <summary>Runs body(0) ... body(pieces - 1), each once, in any order, and returns when all are done.</summary>
    public void For(int pieces, Action<int> body) => For(pieces, (piece, _) => body(piece));

    /// <summary>
    /// Runs body(piece, worker); worker is below <see cref="Count"/> and no two pieces with the same one run at once:
    /// it picks a piece's scratch memory.
    /// </summary>
    public void For(int pieces, Action<int, int> body)
    {
        if (pieces <= 0) return;
        if (pieces == 1 || _workers.Length == 0)
        {
            for (int i = 0; i < pieces; i++) body(i, 0);
            return;
        }
        lock (_oneAtATime)
        {
            var job = new Job(body, pieces);
            _job = job;
            _generation++;
            Interlocked.MemoryBarrier();
            int sleeping = Volatile.Read(ref _sleeping);
            if (sleeping > 0) _wake.Release(sleeping);
            job.Take(worker: 0);
            job.Wait();
        }
    }

    /// <summary>
    /// Runs body(begin, end) over pieces of <paramref name="grain"/> items (the last may be smaller).
    /// </summary>
    public void For(long items, long grain, Action<long, long> body)
    {
        int pieces = checked((int)((items + grain - 1) / grain));
        For(pieces, piece => body(piece * grain, Math.Min(items, (piece + 1) * grain)));
    }

    public void Dispose()
    {
        if (_stop) return;
        _stop = true;
        _generation++;
        if (_workers.Length > 0) _wake.Release(_workers.Length);
        foreach (Thread worker in _workers) worker.Join();
        _wake.Dispose();
    }

    void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            for (int spin = 0; spin < SpinsBeforeSleep && _generation == seen; spin++) Thread.SpinWait(20);
            if (_generation == seen)
            {
                Interlocked.Increment(ref _sleeping);
                while (_generation == seen) _wake.Wait(100);
                Interlocked.Decrement(ref _sleeping);
            }
            seen = _generation;
            if (_stop) return;
            _job.Take(worker);
        }
    }

    /// <summary>
    /// One call of <see cref="For(int, Action{int, int})"/>: threads take the next piece until none is left.
    /// </summary>
    sealed class Job(Action<int, int> body, int pieces)
    {
        int _next, _done;
        volatile Exception? _failure;

        public void Take(int worker)
        {
            int piece;
            while ((piece = Interlocked.Increment(ref _next) - 1) < pieces)
            {
                try
                {
                    body(piece, worker);
                }
                catch (Exception e)
                {
                    _failure ??= e;
                }
                Interlocked.Increment(ref _done);
            }
        }

        public void Wait()
        {
            var spinner = new SpinWait();
            while (Volatile.Read(ref _done) < pieces) spinner.SpinOnce(sleep1Threshold: -1);
            if (_failure is { } failure)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
