using System.Text.Json.Serialization;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>How a network learns.</summary>
public enum MethodKind
{
    /// <summary>From labelled cases alone: <see cref="Training.Supervised"/>.</summary>
    Supervised,
}

/// <summary>All that the training of a 3D network depends on.</summary>
public sealed record TrainingConfiguration : RunConfiguration
{
    /// <summary>What is trained.</summary>
    public required NetworkConfiguration Network { get; init; }

    /// <summary>How.</summary>
    public MethodKind Method { get; init; } = MethodKind.Supervised;

    /// <summary>The optimiser, stochastic gradient descent.</summary>
    public SgdConfiguration Sgd { get; init; } = new();

    /// <inheritdoc/>
    [JsonIgnore]
    public override double LearningRate => Sgd.LearningRate;

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Command => "cfr train";

    /// <inheritdoc/>
    public override void Check()
    {
        Network.Check();
        base.Check();
        if (!IsPatch(Patch))
            throw new ArgumentException(
                $"patch is {Patch}; expected multiples of {Segmenter.Multiple} along each axis");
        Sgd.Check();
    }

    /// <summary>The method, its networks with initial values by the session's seed.</summary>
    /// <exception cref="ArgumentException">The network does not fit the method.</exception>
    public IMethod Create(Session session, DataSet data) => Method switch
    {
        _ => new Supervised(session, this, data),
    };

    static bool IsPatch(GridSize patch) =>
        Math.Min(patch.X, Math.Min(patch.Y, patch.Z)) > 0
        && (patch.X | patch.Y | patch.Z) % Segmenter.Multiple == 0;
}

/// <summary>
/// A weighted sum of cross-entropy and soft Dice (squared denominators, sums over the whole batch).
/// </summary>
/// <param name="CrossEntropy">Weight of the cross-entropy.</param>
/// <param name="Dice">Weight of Dice.</param>
/// <param name="Background">Whether the background counts as a class in Dice.</param>
/// <param name="Smoothing">Added to Dice's numerator and denominator.</param>
public sealed record LossConfiguration(
    float CrossEntropy = 0.5f, float Dice = 0.5f, bool Background = true, float Smoothing = 1e-5f)
{
    internal void Check()
    {
        bool fits = CrossEntropy >= 0 && Dice >= 0 && CrossEntropy + Dice > 0 && Smoothing > 0;
        if (!fits)
            throw new ArgumentException($"loss has the weights {CrossEntropy} and {Dice} and smoothing {Smoothing}; expected "
                + "weights of at least 0, not both 0, and a positive smoothing");
    }
}

/// <summary>Stochastic gradient descent.</summary>
/// <param name="LearningRate">Rate of the first iteration.</param>
/// <param name="Momentum">Momentum.</param>
/// <param name="WeightDecay">Decay of all parameters.</param>
public sealed record SgdConfiguration(double LearningRate = 0.01, float Momentum = 0.9f, float WeightDecay = 1e-4f)
{
    internal void Check()
    {
        if (!(LearningRate > 0)) throw new ArgumentException($"sgd.learningRate is {LearningRate}; expected more than 0");
        if (!(Momentum is >= 0 and < 1)) throw new ArgumentException($"sgd.momentum is {Momentum}; expected 0 to below 1");
        if (!(WeightDecay >= 0)) throw new ArgumentException($"sgd.weightDecay is {WeightDecay}; expected at least 0");
    }
}
