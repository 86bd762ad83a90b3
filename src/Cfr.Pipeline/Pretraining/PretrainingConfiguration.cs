using Cfr.Models;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// All that the training of a promptable SAM on drawings depends on. With the same seed and kind of device it gives the same bits.
/// </summary>
public sealed record PretrainingConfiguration
{
    /// <summary>How a run with these settings is gone on with.</summary>
    public const string Command = "cfr pretrain";

    /// <summary>The seed where none is named.</summary>
    public const ulong UsualSeed = 1337;

    /// <summary>Sizes of the model.</summary>
    public required SamConfiguration Sam { get; init; }

    /// <summary>
    /// Weights to begin with, from the working folder: a model of this kind, which may be of another image size. By default random ones.
    /// </summary>
    public string? Start { get; init; }

    /// <summary>Optimiser steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>Drawings in a batch.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Prompts for each of them, half of them points, half boxes.</summary>
    public int Prompts { get; init; } = 8;

    /// <summary>What is minimised.</summary>
    public PromptLossConfiguration Loss { get; init; } = new();

    /// <summary>AdamW's rate after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decay of matrices and kernels; biases, norms and tables of embeddings have none.</summary>
    public float WeightDecay { get; init; } = 0.05f;

    /// <summary>AdamW's memory of squares.</summary>
    public float Beta2 { get; init; } = 0.99f;

    /// <summary>How the learning rate falls.</summary>
    public ScheduleConfiguration Schedule { get; init; } = new(ScheduleKind.Cosine, Warmup: 100);

    /// <summary>Iterations from one checkpoint to the next.</summary>
    public int CheckpointEvery { get; init; } = 100;

    /// <summary>Drawings that the model is tested on in the end, none of which it was trained on.</summary>
    public int HeldOut { get; init; } = 100;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = UsualSeed;

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        Sam.Check();
        Require(
            Sam.PatchSize % 4 == 0,
            $"sam.patchSize is {Sam.PatchSize}; expected a multiple of 4, since a token is four by four pixels of a mask");
        Require(Sam.ImageSize >= 48, $"sam.imageSize is {Sam.ImageSize}; expected at least 48");
        Require(Sam.Masks >= 3, $"sam.masks is {Sam.Masks}; expected at least 3, one for a single answer and more for several");
        RunConfiguration.Positive("iterations", Iterations);
        RunConfiguration.Positive("batch", Batch);
        RunConfiguration.Positive("checkpointEvery", CheckpointEvery);
        RunConfiguration.Positive("heldOut", HeldOut);
        Require(Prompts >= 2 && Prompts % 2 == 0, $"prompts is {Prompts}; expected an even number, half points, half boxes");
        Require(LearningRate > 0, $"learningRate is {LearningRate}; expected more than 0");
        Require(WeightDecay >= 0, $"weightDecay is {WeightDecay}; expected at least 0");
        Require(Beta2 is >= 0 and < 1, $"beta2 is {Beta2}; expected 0 to below 1");
        Loss.Check();
        Schedule.Check();
    }

    static void Require(bool holds, string message)
    {
        if (!holds) throw new ArgumentException(message);
    }
}

/// <summary>Weights of the parts of SAM's loss (Kirillov 2023, appendix A).</summary>
/// <param name="Focal">Of the focal loss (Lin 2017) with exponent 2, the object and the rest weighing the same.</param>
/// <param name="Dice">Of soft Dice, for each mask on its own.</param>
/// <param name="Quality">Of the squared error of predicted intersections over unions.</param>
/// <param name="Scene">Of what is found without prompts, focal and Dice weighing as they do with prompts.</param>
/// <param name="Picture">Of the mean squared error of the greys that are said to have been drawn.</param>
public sealed record PromptLossConfiguration(
    float Focal = 5, float Dice = 1, float Quality = 1, float Scene = 1, float Picture = 1)
{
    internal void Check()
    {
        bool fits = Math.Min(Focal, Math.Min(Dice, Math.Min(Quality, Math.Min(Scene, Picture)))) >= 0 && Focal + Dice > 0;
        if (!fits)
            throw new ArgumentException(
                $"loss has the weights {Focal}, {Dice}, {Quality}, {Scene} and {Picture}; expected at least 0, focal and dice not both 0");
    }
}
