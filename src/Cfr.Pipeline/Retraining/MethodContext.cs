using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>What a method is made of.</summary>
/// <param name="Session">A session with the configuration's seed.</param>
/// <param name="Configuration">The settings.</param>
/// <param name="Data">The data set.</param>
/// <param name="PseudoLabels">Where labels of unlabelled patches come from; null to do without.</param>
public sealed record MethodContext(
    Session Session, TrainingConfiguration Configuration, DataSet Data, IPseudoLabels? PseudoLabels = null)
{
    /// <summary>A new network, with initial values by the session's next random draw.</summary>
    /// <exception cref="ArgumentException">The network's result is no map of class logits.</exception>
    public VolumeNetwork Network()
    {
        if (Configuration.Network.Architecture == Architecture.SdfVNet)
            throw new ArgumentException(
                "training needs a network with a logit for each class; a vnet-sdf has one for the object alone");
        return new VolumeNetwork(Configuration.Network.Create(new Weights(Session)));
    }

    /// <summary>The optimiser of a network.</summary>
    public Sgd Optimizer(Weights weights) => new(
        weights.Parameters, (float)Configuration.Sgd.LearningRate, Configuration.Sgd.Momentum, Configuration.Sgd.WeightDecay);
}
