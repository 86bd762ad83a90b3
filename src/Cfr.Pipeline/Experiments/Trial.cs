using System.Diagnostics;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>What a step takes.</summary>
/// <param name="Seconds">Time of one, once memory is warm.</param>
/// <param name="DeviceBytes">The most memory of the device that it had, networks and optimiser included.</param>
sealed record StepCost(double Seconds, long DeviceBytes);

/// <summary>Measures a step of a training or an inference by doing it twice, on random numbers.</summary>
static class Trial
{
    const int Warm = 1;

    /// <summary>A step of a training: losses, gradients, update.</summary>
    public static StepCost Train(Session session, IMethod method, RunConfiguration configuration)
    {
        int[] drawn = method.Sampler.Batch(0);
        using var batch = new Batch(configuration.Patch, drawn.Length);
        batch.FillRandom([.. drawn.Select(i => method.Cases[i])], method.Network.Classes);
        return Measure(session.Device, () =>
        {
            using Scope step = session.Step();
            Losses losses = method.Losses(method.Inputs(batch, iteration: 0));
            losses.Total.Backward();
            method.Step(0);
            method.ClearGradients();
            method.AfterStep(0);
            losses.Total.Item();
        });
    }

    /// <summary>Windows that a network sees at once.</summary>
    public static StepCost Predict(Session session, IVolumeNetwork network, GridSize patch, int windows)
    {
        network.Weights.Training = false;
        return Measure(session.Device, () =>
        {
            using Scope step = session.Step();
            using Session.GradMode inference = session.NoGrad();
            Tensor patches = session.Normal([windows, patch.X, patch.Y, patch.Z, 1]);
            network.Logits(patches).Softmax().ToArray();
        });
    }

    static StepCost Measure(Device device, Action step)
    {
        for (int i = 0; i < Warm; i++) step();
        device.Synchronize();
        long began = Stopwatch.GetTimestamp();
        step();
        device.Synchronize();
        return new StepCost(Stopwatch.GetElapsedTime(began).TotalSeconds, device.Pool.PeakBytes);
    }
}
