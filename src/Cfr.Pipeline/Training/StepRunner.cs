using Cfr.Kernels;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>
/// Does the steps of a method: losses, gradients, the optimiser's step, what follows it. On a device that can record
/// launches, those of losses and gradients are recorded after a few steps and replayed from then on, with the same bits.
/// The optimiser's few launches are not: their numbers change from step to step.
/// </summary>
sealed class StepRunner(Session session, IMethod method, Action<string> warn) : IDisposable
{
    /// <summary>Steps launch by launch before the recording: kernels are compiled, constants uploaded.</summary>
    const int Warm = 2;

    string[] _names = [];
    RecordedWork? _recorded;
    int _steps;
    bool _isRecordable = session.Device.CanCapture;

    /// <summary>Whether steps are replayed by now.</summary>
    public bool Replays => _recorded is not null;

    /// <summary>Starts a step.</summary>
    /// <returns>The loss and its parts, before the step, on their way; and the names of the parts.</returns>
    public (Arrival Values, IReadOnlyList<string> Names) Run(StepInputs inputs, long iteration, float learningRate)
    {
        Tensor[] tensors = inputs.Tensors;
        if (_recorded is { } other && !other.Fits(tensors)) GiveUp("its batches have several sizes");
        if (_isRecordable && _recorded is null && _steps++ >= Warm) Record(tensors);
        Arrival values = (_recorded is { } recorded ? recorded.Replay(tensors) : LossesAndGradients(tensors)).Fetch();
        method.Step(learningRate);
        if (_recorded is null) method.ClearGradients();
        method.AfterStep(iteration);
        return (values, _names);
    }

    /// <inheritdoc/>
    public void Dispose() => Release();

    /// <summary>Gives back what the recording holds: the next step is recorded anew.</summary>
    public void Release()
    {
        if (_recorded is null) return;
        method.ClearGradients();
        _recorded.Dispose();
        _recorded = null;
    }

    void Record(Tensor[] inputs)
    {
        try
        {
            _recorded = RecordedWork.Record(session, inputs, LossesAndGradients);
        }
        catch (Exception reason) when (
            reason is InvalidOperationException and not ObjectDisposedException or OutOfMemoryException or CudaException)
        {
            method.ClearGradients();
            // A device that is lost, or a kernel that failed before, says so here.
            session.Device.Synchronize();
            GiveUp(reason.Message);
        }
    }

    void GiveUp(string reason)
    {
        Dispose();
        _isRecordable = false;
        warn($"steps are launched kernel by kernel, not as one graph: {reason}");
    }

    /// <summary>Gradients of the total; the result is the total and its parts.</summary>
    Tensor LossesAndGradients(IReadOnlyList<Tensor> inputs)
    {
        Losses losses = method.Losses(StepInputs.Of(inputs));
        _names = [.. losses.Parts.Select(part => part.Name)];
        Tensor values = losses.Values();
        losses.Total.Backward();
        return values;
    }
}
