using System.Text.Json.Serialization;
using Cfr.Models;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.FineTuning;

/// <summary>All that fine-tuning SAM on mosaics depends on. The defaults are those of the authors' program.</summary>
public sealed record FineTuningConfiguration : RunConfiguration
{
    /// <summary>The authors' batch, schedule and smoothing, which are not those of re-training.</summary>
    public FineTuningConfiguration() =>
        (Batch, Schedule, Loss) = (2, new ScheduleConfiguration(ScheduleKind.Poly), new LossConfiguration(Smoothing: 1e-10f));

    /// <summary>What is fine-tuned.</summary>
    public required SamSource Sam { get; init; }

    /// <summary>How a patch becomes a picture.</summary>
    public ConcatenationConfiguration Concatenation { get; init; } = new();

    /// <summary>What the encoder's frozen layers are given.</summary>
    public LoraConfiguration Lora { get; init; } = new();

    /// <summary>The optimiser.</summary>
    public AdamWConfiguration AdamW { get; init; } = new();

    /// <summary>Grey values of single slices bent at random.</summary>
    public GreyAugmentation Grey { get; init; } = new();

    /// <summary>Whether whole canvases are turned and flipped, too.</summary>
    public bool TurnCanvas { get; init; }

    /// <summary>Whether blocks of the encoder are computed a second time instead of being remembered: less memory, more time.</summary>
    public bool Checkpointing { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override double LearningRate => AdamW.LearningRate;

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Command => "cfr finetune";

    /// <summary>The checkpoint may have moved, too; its hash tells whether it is the same.</summary>
    public override RunConfiguration WithPathsOf(RunConfiguration other)
    {
        string? weights = Sam.Weights is null ? null : (other as FineTuningConfiguration)?.Sam.Weights ?? Sam.Weights;
        return this with { Data = other.Data ?? Data, Sam = Sam with { Weights = weights } };
    }

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        Sam.Check();
        Concatenation.Check();
        Lora.Check();
        AdamW.Check();
        Grey.Check();
        if (Math.Min(Patch.X, Math.Min(Patch.Y, Patch.Z)) < 1) throw new ArgumentException($"patch is {Patch}; expected at least 1x1x1");
    }

    /// <summary>Whether settings, checkpoint and data fit each other: before any work.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    /// <exception cref="BadDataException">A file cannot be used.</exception>
    public void Check(DataSet data)
    {
        Check();
        Concatenation.For(Patch, Sam.Configuration(data.Classes.Count).ImageSize);
        Trainer.CheckCases(this, data);
    }
}

/// <summary>Low-rank adaptation of the encoder's q and v projections.</summary>
/// <param name="Rank">Rank of the update.</param>
public sealed record LoraConfiguration(int Rank = 4)
{
    internal void Check() => RunConfiguration.Positive("lora.rank", Rank);
}

/// <summary>AdamW.</summary>
/// <param name="LearningRate">Rate of the first iteration, or after the warm-up.</param>
/// <param name="WeightDecay">Decay of all trained parameters.</param>
/// <param name="Beta1">Memory of the mean.</param>
/// <param name="Beta2">Memory of the square.</param>
public sealed record AdamWConfiguration(
    double LearningRate = 1e-3, float WeightDecay = 0.1f, float Beta1 = 0.9f, float Beta2 = 0.999f)
{
    internal void Check()
    {
        if (!(LearningRate > 0)) throw new ArgumentException($"adamW.learningRate is {LearningRate}; expected more than 0");
        if (!(WeightDecay >= 0)) throw new ArgumentException($"adamW.weightDecay is {WeightDecay}; expected at least 0");
        foreach (float beta in (float[])[Beta1, Beta2])
            if (!(beta is >= 0 and < 1)) throw new ArgumentException($"adamW.beta is {beta}; expected 0 to below 1");
    }
}
