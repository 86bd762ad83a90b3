namespace Cfr.Tensors;

/// <summary>What a convolution may find out of its output for the norm behind it, where the device does so in passing.</summary>
public enum Measure
{
    /// <summary>Nothing.</summary>
    Nothing,
    /// <summary>Statistics of each channel over the batch, for batch norm.</summary>
    Batch,
    /// <summary>Statistics of each channel of each sample, for instance norm.</summary>
    Samples,
}

/// <summary>What of it is asked for.</summary>
static class MeasureWhile
{
    /// <summary>Statistics of the batch only while training: else the norm has its own.</summary>
    public static Measure While(this Measure measure, bool training) =>
        measure == Measure.Batch && !training ? Measure.Nothing : measure;
}

/// <summary>
/// Moments [3, C, boxes] that came with a tensor, and go with it; void once its numbers were overwritten.
/// </summary>
sealed record MeasuredMoments(Measure Of, Tensor Moments, int Overwritten);
