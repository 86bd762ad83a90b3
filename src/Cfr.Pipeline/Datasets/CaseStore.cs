namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Keeps cases in memory once they are read. Beyond <paramref name="limit"/> bytes the least recently used ones are
/// dropped and read again when they are wanted. Any number of threads may ask; each case is read by one of them.
/// </summary>
/// <param name="read">Reads a case; its exceptions reach everyone who asks for that case.</param>
/// <param name="limit">Bytes to keep; the case asked for last is always kept.</param>
public sealed class CaseStore(Func<Case, LoadedCase> read, long limit = long.MaxValue)
{
    readonly Dictionary<Case, LinkedListNode<Entry>> _entries = [];
    readonly LinkedList<Entry> _recent = [];
    readonly Lock _gate = new();
    long _bytes;

    /// <summary>What is kept at the moment.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _bytes;
        }
    }

    /// <summary>A case, read if it is not there.</summary>
    public LoadedCase Get(Case wanted)
    {
        Entry entry;
        lock (_gate)
        {
            if (_entries.TryGetValue(wanted, out var node)) _recent.Remove(node);
            else node = _entries[wanted] = new(new(wanted, new Lazy<LoadedCase>(() => read(wanted))));
            _recent.AddFirst(node);
            entry = node.Value;
        }
        LoadedCase loaded = entry.Loaded.Value;
        lock (_gate)
        {
            if (!entry.Counted && _entries.TryGetValue(wanted, out var node) && node.Value == entry)
            {
                entry.Counted = true;
                _bytes += loaded.Bytes;
                DropOldest(but: entry);
            }
        }
        return loaded;
    }

    /// <summary>
    /// Reads all of these now, and so finds whatever is wrong with them, on <paramref name="threads"/> threads. The
    /// first fault in the order of the list is thrown.
    /// </summary>
    /// <param name="cases">What to read.</param>
    /// <param name="threads">How many at a time.</param>
    /// <param name="progress">Told how many are done, from any thread.</param>
    /// <param name="cancel">Stops between cases.</param>
    public void Load(
        IReadOnlyList<Case> cases, int threads, Action<int>? progress = null, CancellationToken cancel = default)
    {
        int done = 0;
        var faults = new Exception?[cases.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancel };
        Parallel.For(0, cases.Count, options, (i, state) =>
        {
            try
            {
                Get(cases[i]);
                progress?.Invoke(Interlocked.Increment(ref done));
            }
            catch (Exception fault)
            {
                faults[i] = fault;
                state.Break();
            }
        });
        if (faults.FirstOrDefault(fault => fault is not null) is { } first)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
    }

    void DropOldest(Entry but)
    {
        for (var node = _recent.Last; node is not null && _bytes > limit;)
        {
            var previous = node.Previous;
            if (node.Value.Counted && node.Value != but)
            {
                _recent.Remove(node);
                _entries.Remove(node.Value.Case);
                _bytes -= node.Value.Loaded.Value.Bytes;
            }
            node = previous;
        }
    }

    sealed class Entry(Case of, Lazy<LoadedCase> loaded)
    {
        public Case Case => of;

        public Lazy<LoadedCase> Loaded => loaded;

        public bool Counted { get; set; }
    }
}
