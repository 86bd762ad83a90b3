using System.Text.Json.Serialization;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// The weight of a consistency loss, w(t) = weight exp(-5 (1 - c / length)^2), c = min(floor(t / every), length).
/// </summary>
/// <param name="Weight">What it reaches.</param>
/// <param name="Every">Iterations from one value to the next.</param>
/// <param name="Length">After so many values it stays; 0: it is there from the start.</param>
public sealed record ConsistencyConfiguration(double Weight = 0.1, int Every = 150, int Length = 40)
{
    /// <summary>w(t).</summary>
    [JsonIgnore]
    public Schedule Schedule => new RampSchedule(0, Weight, Every, Length);

    internal void Check()
    {
        if (!(Weight >= 0)) throw new ArgumentException($"consistency.weight is {Weight}; expected at least 0");
        RunConfiguration.Positive("consistency.every", Every);
        if (Length < 0) throw new ArgumentException($"consistency.length is {Length}; expected at least 0");
    }
}

/// <summary>A teacher that follows the student.</summary>
/// <param name="Decay">Limit of the moving average's decay, which is 1 - 1 / (t + 1) at first.</param>
/// <param name="Noise">Standard deviation of what is added to its patches.</param>
/// <param name="NoiseLimit">Noise is brought into [-limit, limit].</param>
public sealed record TeacherConfiguration(float Decay = 0.99f, float Noise = 0.1f, float NoiseLimit = 0.2f)
{
    internal void Check()
    {
        if (!(Decay is >= 0 and < 1)) throw new ArgumentException($"teacher.decay is {Decay}; expected 0 to below 1");
        if (!(Noise >= 0 && NoiseLimit >= 0))
            throw new ArgumentException($"teacher.noise is {Noise}, within {NoiseLimit}; expected at least 0");
    }
}

/// <summary>Samples of a batch whose consistency counts.</summary>
public enum ConsistencySamples
{
    /// <summary>All, as in CFR's code.</summary>
    All,
    /// <summary>The unlabelled half, as in SSL4MIS.</summary>
    Unlabelled,
}

/// <summary>Mean Teacher.</summary>
/// <param name="On">Where student and teacher are compared.</param>
public sealed record MeanTeacherConfiguration(ConsistencySamples On = ConsistencySamples.All);

/// <summary>How AC-MT finds where the student is unsure.</summary>
public enum AmbiguityKind
{
    /// <summary>The entropy of its prediction.</summary>
    Entropy,
    /// <summary>The entropy of the mean of several passes with dropout and noise.</summary>
    Uncertainty,
}

/// <summary>Ambiguity-consensus Mean Teacher.</summary>
/// <param name="Mask">How ambiguity is found.</param>
/// <param name="ThresholdStart">Least entropy at the beginning, a share of ln K.</param>
/// <param name="ThresholdEnd">The same at the end; by default 0.95, with uncertainty 0.9.</param>
/// <param name="Passes">Passes for the uncertainty, an even number.</param>
public sealed record AcmtConfiguration(
    AmbiguityKind Mask = AmbiguityKind.Entropy, double ThresholdStart = 0.75, double? ThresholdEnd = null, int Passes = 8)
{
    /// <summary>The threshold at the end, given or not.</summary>
    [JsonIgnore]
    public double UsedThresholdEnd => ThresholdEnd ?? (Mask == AmbiguityKind.Entropy ? 0.95 : 0.9);

    internal void Check()
    {
        if (!(ThresholdStart is >= 0 and <= 1 && UsedThresholdEnd is >= 0 and <= 1))
            throw new ArgumentException($"acmt's thresholds are {ThresholdStart} and {UsedThresholdEnd}; expected 0 to 1, "
                + "shares of the largest entropy");
        if (Passes < 2 || Passes % 2 != 0) throw new ArgumentException($"acmt.passes is {Passes}; expected an even number");
    }
}

/// <summary>Self-training.</summary>
/// <param name="Rounds">Students, one after the other; each learns from the labels of the one before it.</param>
/// <param name="Stride">From one window to the next when cases are given labels; by default half a patch.</param>
public sealed record SelfTrainingConfiguration(int Rounds = 2, GridSize? Stride = null)
{
    /// <summary>The windows.</summary>
    internal Inference.SlidingWindow Windows(GridSize patch) => new(patch, Stride ?? patch.Halved);

    internal void Check(GridSize patch)
    {
        RunConfiguration.Positive("selfTraining.rounds", Rounds);
        if (Stride is { } stride) new ValidationConfiguration(Every: 1, stride).Check(patch, "selfTraining");
    }
}
