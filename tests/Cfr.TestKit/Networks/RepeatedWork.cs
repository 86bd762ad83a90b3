using Cfr.Tensors;

namespace Cfr.TestKit;

/// <summary>
/// Losses and gradients as a training computes them step after step: launch by launch at first, then, where the device
/// can record launches, as one graph.
/// </summary>
sealed class RepeatedWork(Session session, Tensor[] inputs, Func<IReadOnlyList<Tensor>, Tensor> work)
{
    const int Warm = 2;

    RecordedWork? _recorded;
    int _runs;

    /// <summary>Whether gradients stay where they are from run to run, and must not be cleared.</summary>
    public bool IsRecorded => _recorded is not null;

    /// <summary>Once; on a GPU it may still run on return.</summary>
    public void Run()
    {
        if (session.Device.CanCapture && _runs++ == Warm) _recorded = RecordedWork.Record(session, inputs, work);
        if (_recorded is not null) _recorded.Replay(inputs);
        else work(inputs);
    }
}
