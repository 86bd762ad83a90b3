using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Training;

/// <summary>How a network learns.</summary>
public enum MethodKind
{
    /// <summary>From labelled cases alone: <see cref="Training.Supervised"/>.</summary>
    Supervised,
}

/// <summary>All that a training run depends on. With the same data, seed and kind of device it gives the same bits.</summary>
public sealed record TrainingConfiguration
{
    /// <summary>Folder of the data set, from the working folder.</summary>
    public string? Data { get; init; }

    /// <summary>What is trained.</summary>
    public required NetworkConfiguration Network { get; init; }

    /// <summary>How.</summary>
    public MethodKind Method { get; init; } = MethodKind.Supervised;

    /// <summary>Labelled cases: the first of the training list; by default all of it.</summary>
    public int? Labelled { get; init; }

    /// <summary>What is done to intensities; by default what the data set says.</summary>
    public Datasets.Normalization? Normalization { get; init; }

    /// <summary>Optimiser steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>Patches in a batch.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Size of a patch; each axis a multiple of 16.</summary>
    public required GridSize Patch { get; init; }

    /// <summary>Whether patches are turned and flipped in the plane of axes 0 and 1.</summary>
    public bool RotateFlip { get; init; } = true;

    /// <summary>What is minimised on labelled patches.</summary>
    public LossConfiguration Loss { get; init; } = new();

    /// <summary>The optimiser, stochastic gradient descent.</summary>
    public SgdConfiguration Sgd { get; init; } = new();

    /// <summary>How the learning rate falls.</summary>
    public ScheduleConfiguration Schedule { get; init; } = new();

    /// <summary>Tests during training; by default none.</summary>
    public ValidationConfiguration? Validation { get; init; }

    /// <summary>Iterations from one checkpoint to the next.</summary>
    public int CheckpointEvery { get; init; } = 200;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 1337;

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        Network.Check();
        Positive("iterations", Iterations);
        Positive("batch", Batch);
        Positive("checkpointEvery", CheckpointEvery);
        if (Labelled is { } labelled) Positive("labelled", labelled);
        if (!IsPatch(Patch))
            throw new ArgumentException(
                $"patch is {Patch}; expected multiples of {Segmenter.Multiple} along each axis");
        Loss.Check();
        Sgd.Check();
        Schedule.Check();
        Validation?.Check(Patch);
    }

    static bool IsPatch(GridSize patch) =>
        Math.Min(patch.X, Math.Min(patch.Y, patch.Z)) > 0
        && (patch.X | patch.Y | patch.Z) % Segmenter.Multiple == 0;

    internal static void Positive(string key, int value)
    {
        if (value < 1) throw new ArgumentException($"{key} is {value}; expected at least 1");
    }
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
