using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>The most probable class of a frozen network, of the very patches that the student sees.</summary>
public sealed class NetworkPseudoLabels : IPseudoLabels
{
    /// <summary>Labels of this network, which is in evaluation mode from now on.</summary>
    /// <param name="network">In the session of the training.</param>
    /// <param name="description">Where it is from.</param>
    /// <param name="classes">Classes that it must have.</param>
    /// <exception cref="ArgumentException">It has others.</exception>
    public NetworkPseudoLabels(IVolumeNetwork network, string description, int classes)
    {
        if (network.Classes != classes)
            throw new ArgumentException(
                $"pseudo labels: {description} ({network.Name}) tells {network.Classes} classes apart; expected {classes}");
        (Network, Description) = (network, $"{network.Name} {description}");
        network.Weights.Training = false;
    }

    /// <summary>The network.</summary>
    public IVolumeNetwork Network { get; }

    /// <summary>Where they come from, for people.</summary>
    public string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases(IReadOnlyList<Case> unlabelled) => unlabelled;

    /// <inheritdoc/>
    public Tensor Labels(Tensor patches, Tensor loaded)
    {
        using Scope scope = patches.Session.Scope();
        using Session.GradMode inference = patches.Session.NoGrad();
        return scope.Return(Network.Logits(patches).ArgMax(^1));
    }
}
