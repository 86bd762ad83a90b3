using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>One network, labelled cases alone: the lower bound of semi-supervised comparisons.</summary>
public sealed class Supervised : IMethod
{
    readonly Session _session;
    readonly LossConfiguration _loss;

    /// <summary>Builds the network, with initial values by the session's seed.</summary>
    /// <exception cref="ArgumentException">The network's result is no map of class logits.</exception>
    public Supervised(Session session, TrainingConfiguration configuration, DataSet data)
    {
        if (configuration.Network.Architecture == Architecture.SdfVNet)
            throw new ArgumentException(
                "supervised training needs a network with a logit for each class; a vnet-sdf has one for the object alone");
        (_session, _loss) = (session, configuration.Loss);
        Network = new VolumeNetwork(configuration.Network.Create(new Weights(session)));
        Weights weights = Network.Weights;
        State = new Dictionary<string, IReadOnlyList<Weight>> { ["network"] = [.. weights.All] };
        SgdConfiguration sgd = configuration.Sgd;
        Optimizer = new Sgd(weights.Parameters, (float)sgd.LearningRate, sgd.Momentum, sgd.WeightDecay);
        Cases = configuration.LabelledCases(data);
        Sampler = new ShuffledSampler(Cases.Count, configuration.Batch, configuration.Seed);
    }

    /// <inheritdoc/>
    public IVolumeNetwork Network { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <inheritdoc/>
    public Optimizer Optimizer { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases { get; }

    /// <inheritdoc/>
    public IBatchSampler Sampler { get; }

    /// <inheritdoc/>
    public Losses Losses(Batch batch, long iteration)
    {
        SegmentationLosses losses = Network.Logits(batch.ImageTensor(_session)).SegmentationLoss(
            batch.LabelTensor(_session), _loss.CrossEntropy, _loss.Dice, _loss.Smoothing,
            firstClass: _loss.Background ? 0 : 1, ignore: Batch.Unknown);
        return new Losses(losses.Total, [("crossEntropy", losses.CrossEntropy), ("dice", losses.Dice)]);
    }
}
