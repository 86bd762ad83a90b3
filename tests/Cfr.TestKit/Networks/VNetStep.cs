using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.TestKit;

/// <summary>
/// The V-Net of the left atrium (16 filters, 2 classes) on volumes of 112x112x80: a prediction in evaluation mode, or a
/// training step (forward with dropout, cross-entropy + Dice, backward, SGD with momentum and decay).
/// </summary>
public sealed class VNetStep
{
    readonly Session _session;
    readonly Segmenter _network;
    readonly Sgd? _optimizer;
    readonly Tensor _x;
    readonly RepeatedWork _lossAndGradients;

    /// <summary>A network with random weights, and random volumes.</summary>
    public VNetStep(Device device, int batch, bool trains)
    {
        _session = new Session(device, seed: 1);
        var weights = new Weights(_session);
        _network = new NetworkConfiguration(Architecture.VNet).Create(weights);
        weights.Training = trains;
        if (trains) _optimizer = new Sgd(weights.Parameters, learningRate: 0.01f, momentum: 0.9f, weightDecay: 1e-4f);
        _x = _session.Uniform([batch, 112, 112, 80, 1], -1, 1);
        var random = new Random(1);
        int[] labels = [.. Enumerable.Range(0, batch * 112 * 112 * 80).Select(_ => random.Next(2))];
        _lossAndGradients = new RepeatedWork(_session, [_x, _session.Labels(labels, [batch, 112, 112, 80])], of =>
        {
            Tensor loss = _network.Forward(of[0]).SegmentationLoss(of[1]).Total;
            loss.Backward();
            return loss;
        });
    }

    /// <summary>Once; on a GPU it may still run on return.</summary>
    public void Run()
    {
        using Scope step = _session.Step();
        if (_optimizer is null)
        {
            using Session.GradMode inference = _session.NoGrad();
            _network.Forward(_x);
            return;
        }
        _lossAndGradients.Run();
        _optimizer.Step();
        if (!_lossAndGradients.IsRecorded) _optimizer.ClearGradients();
    }
}
