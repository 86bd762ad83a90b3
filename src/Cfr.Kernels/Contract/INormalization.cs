namespace Cfr.Kernels;

/// <summary>
/// Which elements of <c>[Batch, Spatial, Channels]</c> share a mean and a variance: <c>Groups</c> runs of channels,
/// over the voxels of one sample or, when <c>AcrossBatch</c>, of all samples.
/// </summary>
public readonly record struct NormShape(int Batch, long Spatial, int Channels, int Groups, bool AcrossBatch)
{
    /// <summary>Batch norm: a statistic per channel.</summary>
    public static NormShape PerChannel(int batch, long spatial, int channels) =>
        new(batch, spatial, channels, channels, AcrossBatch: true);

    /// <summary>Group norm; groups = channels is instance norm.</summary>
    public static NormShape PerGroup(int batch, long spatial, int channels, int groups) =>
        new(batch, spatial, channels, groups, AcrossBatch: false);

    /// <summary>How many means and variances there are: Groups, or Batch * Groups with the batch index first.</summary>
    public int Statistics => AcrossBatch ? Groups : Batch * Groups;

    /// <summary>How many elements share each.</summary>
    public long Count => Spatial * (Channels / Groups) * (AcrossBatch ? Batch : 1);
}

/// <summary>
/// Running statistics of a batch norm, a mean and a variance for each statistic, and in how many batches they were
/// updated, or none.
/// </summary>
public readonly record struct RunningView(float Momentum, View Mean, View Variance, View Batches)
{
    /// <summary>Whether there are none.</summary>
    public bool IsNone => Mean.IsNone;
}

/// <summary>Normalisation: (x - mean) / sqrt(variance + eps) * weight + bias, and an activation.</summary>
public interface INormalization
{
    /// <summary>
    /// Layer norm of rows: mean and 1 / sqrt(variance + eps) of each row go to <paramref name="mean"/> and
    /// <paramref name="inverseDeviation"/> [rows]. Weight and bias have <paramref name="width"/> values or are none. y may
    /// have the type in which a product takes it (<see cref="IMatmul.TypeOfA"/>), to which it is then rounded.
    /// </summary>
    void LayerForward(
        long rows, int width, float eps, View x, View weight, View bias, View y, View mean, View inverseDeviation);

    /// <summary>
    /// Gradients of layer norm; dWeight and dBias are none where not wanted. With <paramref name="accumulate"/> the
    /// gradient of x is added to what dx holds.
    /// </summary>
    void LayerBackward(
        long rows, int width, View x, View weight, View mean, View inverseDeviation, View dy,
        View dx, View dWeight, View dBias, bool accumulate = false);

    /// <summary>
    /// Mean and biased variance (over <see cref="NormShape.Count"/>) of each statistic, in two passes.
    /// </summary>
    void Statistics(NormShape shape, View x, View mean, View variance);

    /// <summary>
    /// running = (1 - momentum) running + momentum new, with the unbiased variance n / (n - 1); batches + 1 where there
    /// is such a number.
    /// </summary>
    void UpdateRunning(NormShape shape, View mean, View variance, RunningView running);

    /// <summary>
    /// y = act((x - mean) / sqrt(variance + eps) * weight + bias); weight and bias per channel, or none.
    /// </summary>
    void Normalize(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        View y);

    /// <summary>
    /// Gradients through the normalisation and its activation (which is recomputed from x). With
    /// <paramref name="fixedStatistics"/> mean and variance are constants, as in evaluation. dx, dWeight and dBias are
    /// none where not wanted.
    /// </summary>
    void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        bool fixedStatistics, View dy, View dx, View dWeight, View dBias);
}
