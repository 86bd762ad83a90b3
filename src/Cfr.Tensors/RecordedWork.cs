using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Work whose launches were recorded once and are replayed with other inputs: one call for hundreds of launches. It
/// reads its inputs from places of their own, and random draws go on as if it were done anew. What the work makes lies
/// where it lay: the result, and the gradients of leaves, which must not be cleared while it is replayed; each replay
/// overwrites them. Numbers that the host gives to an op by value are those of the recording.
/// </summary>
/// <example><code>
/// using var step = RecordedWork.Record(session, [x], inputs => Loss(inputs[0]));
/// float loss = step.Replay([x]).Item();
/// </code></example>
public sealed class RecordedWork : IDisposable
{
    readonly Session _session;
    readonly Tensor[] _inputs;
    readonly DeviceBuffer _origin;
    readonly Tensor _result;
    readonly LaunchGraph _graph;
    readonly RecordedMemory _memory = new();
    readonly ulong _draws;
    bool _disposed;

    RecordedWork(Session session, Tensor[] inputs, DeviceBuffer origin, Func<IReadOnlyList<Tensor>, Tensor> work)
    {
        (_session, _inputs, _origin) = (session, inputs, origin);
        ulong before = session.Random.Draws;
        Tensor? result = null;
        session.Settle(); // what was put off before is not the graph's to write
        session.Random.CountFrom(Origin);
        session.Recording = _memory;
        try
        {
            _graph = session.Device.Capture(() =>
            {
                using (session.Step()) result = Scope.Keep(work(inputs));
                // What outlives it and was put off would be written once, and not in each replay.
                session.Settle();
            });
            _draws = session.Random.Draws - before;
        }
        catch
        {
            foreach (Tensor input in inputs) input.Release();
            origin.Release();
            throw;
        }
        finally
        {
            session.Recording = null;
            session.Random.CountFromZero();
            session.Random.Draws = before;
        }
        _result = result!;
    }

    View Origin => new(_origin.Address, 1, DType.UInt64);

    /// <summary>
    /// Records the work, on a device that can. Do it once before: what is made at its first time is not part of it.
    /// </summary>
    /// <exception cref="InvalidOperationException">The work does what cannot be recorded; the message says what.</exception>
    public static RecordedWork Record(
        Session session, IReadOnlyList<Tensor> inputs, Func<IReadOnlyList<Tensor>, Tensor> work) => new(
        session, [.. inputs.Select(input => session.EmptyKept(input.Shape, input.DType))],
        session.Device.Allocate(DType.UInt64, 1), work);

    /// <summary>Whether it can be replayed with these inputs: they have the shapes of the recorded ones.</summary>
    public bool Fits(IReadOnlyList<Tensor> inputs) => inputs.Select(input => (input.Shape, input.DType))
        .SequenceEqual(_inputs.Select(input => (input.Shape, input.DType)));

    /// <summary>Does the work with these inputs; returns before it has run.</summary>
    /// <returns>The result, until the next replay.</returns>
    public Tensor Replay(IReadOnlyList<Tensor> inputs)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _session.Settle(); // what was put off may be made of the last replay's result
        foreach (RoundedWeight weight in _memory.Read) weight.Refresh();
        for (int i = 0; i < _inputs.Length; i++)
        {
            _session.Device.Layout.Copy(StridedCopy.Along([inputs[i].Count], [1], [1]), inputs[i].View, _inputs[i].View);
            GC.KeepAlive(inputs[i]);
        }
        ulong draws = _session.Random.Draws;
        _session.Device.Upload(new ReadOnlySpan<ulong>(in draws), Origin);
        _graph.Replay();
        foreach (DeviceBuffer buffer in _memory.Overwritten) buffer.Overwrite();
        _result.CountOverwrite();
        _session.Random.Draws = draws + _draws;
        return _result;
    }

    /// <summary>Frees the recording.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _result.Release();
        foreach (Tensor input in _inputs) input.Release();
        _origin.Release();
        _graph.Dispose();
    }
}

/// <summary>Memory from outside of a recording that its replays touch, and what has to be said of it each time.</summary>
sealed class RecordedMemory
{
    /// <summary>Rounded weights, which must be up to date before.</summary>
    public HashSet<RoundedWeight> Read { get; } = [];

    /// <summary>What is overwritten in place, which afterwards holds other numbers.</summary>
    public HashSet<DeviceBuffer> Overwritten { get; } = [];
}
