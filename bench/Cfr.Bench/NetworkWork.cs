using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Bench;

/// <summary>
/// The V-Net of the left atrium (16 filters, 2 classes) on one volume of 112x112x80: <c>forward</c> in evaluation mode, or
/// a <c>training step</c> (forward with dropout, cross-entropy + Dice, backward, SGD with momentum and decay).
/// </summary>
sealed class NetworkWork : IWork
{
    /// <summary>Its name in a line <c>CASE | PHASE</c>.</summary>
    public const string Name = "V-Net: 112x112x80, batch 1";

    const string Forward = "forward", TrainingStep = "training step";

    readonly Session _session;
    readonly Segmenter _network;
    readonly Sgd _optimizer;
    readonly Tensor _x, _labels;
    readonly bool _trains;

    public NetworkWork(Device device, string phase)
    {
        if (phase is not (Forward or TrainingStep))
            throw new ArgumentException($"'{Name}' has no phase '{phase}'; expected '{Forward}' or '{TrainingStep}'");
        _trains = phase == TrainingStep;
        _session = new Session(device, seed: 1);
        var weights = new Weights(_session);
        _network = new NetworkConfiguration(Architecture.VNet).Create(weights);
        weights.Training = _trains;
        _optimizer = new Sgd(weights.Parameters, learningRate: 0.01f, momentum: 0.9f, weightDecay: 1e-4f);
        _x = _session.Uniform([1, 112, 112, 80, 1], -1, 1);
        var random = new Random(1);
        int[] labels = [.. Enumerable.Range(0, 112 * 112 * 80).Select(_ => random.Next(2))];
        _labels = _session.Labels(labels, [1, 112, 112, 80]);
    }

    public double Seconds()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        if (_trains)
            Train();
        else
            Predict();
        _session.Device.Synchronize();
        return clock.Elapsed.TotalSeconds;
    }

    public long PeakBytes() => ProcessMemory.Peak();

    void Train()
    {
        using Scope step = _session.Step();
        _network.Forward(_x).SegmentationLoss(_labels).Total.Backward();
        _optimizer.Step();
        _optimizer.ClearGradients();
    }

    void Predict()
    {
        using Scope step = _session.Step();
        using (_session.NoGrad()) _network.Forward(_x);
    }
}
