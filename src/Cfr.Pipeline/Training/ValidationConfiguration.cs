using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Training;

/// <summary>The cases that a network is tested on while it is trained.</summary>
public enum ValidationCases
{
    /// <summary>Those of the validation list; the best network is kept.</summary>
    Validation,
    /// <summary>Those of the test list; nothing is chosen by them.</summary>
    Test,
}

/// <summary>Dice of whole volumes during training, by sliding windows of the size of a patch.</summary>
/// <param name="Every">Iterations from one to the next; the last iteration is always tested.</param>
/// <param name="Stride">From one window to the next.</param>
/// <param name="On">Which list.</param>
/// <param name="Limit">Cases to test on: the first of the list; by default all of it.</param>
public sealed record ValidationConfiguration(
    int Every, GridSize Stride, ValidationCases On = ValidationCases.Validation, int? Limit = null)
{
    /// <summary>The windows.</summary>
    public SlidingWindow Windows(GridSize patch) => new(patch, Stride);

    internal void Check(GridSize patch)
    {
        RunConfiguration.Positive("validation.every", Every);
        if (Limit is { } limit) RunConfiguration.Positive("validation.limit", limit);
        bool fits = Stride.X >= 1 && Stride.Y >= 1 && Stride.Z >= 1
            && Stride.X <= patch.X && Stride.Y <= patch.Y && Stride.Z <= patch.Z;
        if (!fits) throw new ArgumentException($"validation.stride is {Stride}; expected 1x1x1 to the patch, {patch}");
    }
}
