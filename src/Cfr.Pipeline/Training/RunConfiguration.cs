using System.Text.Json.Serialization;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Training;

/// <summary>
/// What every training run depends on, whatever is trained. With the same data, seed and kind of device it gives the same
/// bits.
/// </summary>
public abstract record RunConfiguration
{
    /// <summary>Folder of the data set, from the working folder.</summary>
    public string? Data { get; init; }

    /// <summary>Labelled cases: the first of the training list; by default all of it.</summary>
    public int? Labelled { get; init; }

    /// <summary>What is done to intensities; by default what the data set says.</summary>
    public Normalization? Normalization { get; init; }

    /// <summary>Optimiser steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>Patches in a batch.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Size of a patch.</summary>
    public required GridSize Patch { get; init; }

    /// <summary>Whether patches are turned and flipped in the plane of axes 0 and 1.</summary>
    public bool RotateFlip { get; init; } = true;

    /// <summary>What is minimised on labelled patches.</summary>
    public LossConfiguration Loss { get; init; } = new();

    /// <summary>How the learning rate falls.</summary>
    public ScheduleConfiguration Schedule { get; init; } = new();

    /// <summary>Tests during training; by default none.</summary>
    public ValidationConfiguration? Validation { get; init; }

    /// <summary>Iterations from one checkpoint to the next.</summary>
    public int CheckpointEvery { get; init; } = 200;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 1337;

    /// <summary>The rate that the schedule begins with.</summary>
    [JsonIgnore]
    public abstract double LearningRate { get; }

    /// <summary>How a run with these settings is gone on with: <c>cfr train</c>, say.</summary>
    [JsonIgnore]
    public abstract string Command { get; }

    /// <summary>The labelled cases of a data set.</summary>
    /// <exception cref="ArgumentException">There are not that many.</exception>
    /// <exception cref="BadDataException">One of them has no label.</exception>
    public IReadOnlyList<Case> LabelledCases(DataSet data) => data.Labelled(Labelled ?? data.Train.Count);

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public virtual void Check()
    {
        Positive("iterations", Iterations);
        Positive("batch", Batch);
        Positive("checkpointEvery", CheckpointEvery);
        if (Labelled is { } labelled) Positive("labelled", labelled);
        Loss.Check();
        Schedule.Check();
        Validation?.Check(Patch);
    }

    internal static void Positive(string key, int value)
    {
        if (value < 1) throw new ArgumentException($"{key} is {value}; expected at least 1");
    }
}
