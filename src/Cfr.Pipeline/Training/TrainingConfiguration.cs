using System.Text.Json.Serialization;
using Cfr.Models;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>All that the training of a 3D network depends on.</summary>
public sealed record TrainingConfiguration : RunConfiguration
{
    /// <summary>What is trained.</summary>
    public required NetworkConfiguration Network { get; init; }

    /// <summary>How.</summary>
    public MethodKind Method { get; init; } = MethodKind.Supervised;

    /// <summary>The optimiser, stochastic gradient descent.</summary>
    public SgdConfiguration Sgd { get; init; } = new();

    /// <summary>The consistency loss's weight, of methods that have one.</summary>
    public ConsistencyConfiguration Consistency { get; init; } = new();

    /// <summary>The teacher, of methods that have one.</summary>
    public TeacherConfiguration Teacher { get; init; } = new();

    /// <summary>Mean Teacher's own settings.</summary>
    public MeanTeacherConfiguration MeanTeacher { get; init; } = new();

    /// <summary>Ambiguity-consensus Mean Teacher's own settings.</summary>
    public AcmtConfiguration Acmt { get; init; } = new();

    /// <summary>Self-training's own settings.</summary>
    public SelfTrainingConfiguration SelfTraining { get; init; } = new();

    /// <summary>The pseudo-label loss; null for the method alone.</summary>
    public PseudoLabelConfiguration? PseudoLabels { get; init; }

    /// <summary>Whether the method looks at unlabelled cases.</summary>
    [JsonIgnore]
    public bool IsSemiSupervised => Method != MethodKind.Supervised;

    /// <inheritdoc/>
    [JsonIgnore]
    public override double LearningRate => Sgd.LearningRate;

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Command => "cfr train";

    /// <summary>The checkpoint of a fine-tuned SAM may have moved, too; its hash tells whether it is the same.</summary>
    public override RunConfiguration WithPathsOf(RunConfiguration other) =>
        PseudoLabels is { } mine && (other as TrainingConfiguration)?.PseudoLabels is { } theirs
            ? this with { Data = other.Data ?? Data, PseudoLabels = mine with { Sam = theirs.Sam ?? mine.Sam } }
            : base.WithPathsOf(other);

    /// <inheritdoc/>
    public override void Check()
    {
        Network.Check();
        if (!IsPatch(Patch))
            throw new ArgumentException(
                $"patch is {Patch}; expected multiples of {Segmenter.Multiple} along each axis");
        base.Check();
        Sgd.Check();
        Consistency.Check();
        Teacher.Check();
        Acmt.Check();
        SelfTraining.Check(Patch);
        PseudoLabels?.Check();
        if (IsSemiSupervised && Batch % 2 != 0)
            throw new ArgumentException($"batch is {Batch}; expected an even number, half labelled and half unlabelled");
        if (!IsSemiSupervised && PseudoLabels is not null)
            throw new ArgumentException("pseudoLabels are of unlabelled cases, which the method supervised does not look at");
    }

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
    /// <summary>The loss of logits <c>[N, D, H, W, K]</c> against labels <c>[N, D, H, W]</c>.</summary>
    internal SegmentationLosses Of(Tensor logits, Tensor labels) => logits.SegmentationLoss(
        labels, CrossEntropy, Dice, Smoothing, firstClass: Background ? 0 : 1, ignore: Datasets.Batch.Unknown);

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
