using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Batch norm (Ioffe 2015): a mean and a variance per channel, over the voxels of all samples. Formulas: <see
/// cref="ChannelNorm"/>.
///   x [N, .., C], weight and bias [C] or none, running statistics [C] -> y [N, .., C]
/// </summary>
public static class BatchNormOp
{
    /// <summary>
    /// Training: statistics of this batch (biased variance), which also move the running ones, if given:
    /// running = (1 - momentum) running + momentum new, there with the unbiased variance; batches, if
    /// given with them, counts how often.
    /// </summary>
    /// <exception cref="ArgumentException">There is one value per channel, so no variance.</exception>
    public static Tensor BatchNormTraining(
        this Tensor x, Tensor? weight, Tensor? bias, Tensor? runningMean = null, Tensor? runningVariance = null,
        float momentum = 0.1f, float eps = 1e-5f, Activation activation = Activation.None, Tensor? batches = null)
    {
        NormShape shape = Check(nameof(BatchNormTraining), x, weight, bias, runningMean, runningVariance);
        Session.Common(nameof(BatchNormTraining), x, batches);
        if (shape.Count < 2)
            throw Expect.Mismatch(nameof(BatchNormTraining), nameof(x), x, "more than one value per channel");
        RunningView running = runningMean is null || runningVariance is null || x.Session.Recomputing
            ? default
            : new RunningView(momentum, runningMean.View, runningVariance.View, batches?.View ?? default);
        return ChannelNorm.Normalize(nameof(BatchNormTraining), shape, x, weight, bias, eps, activation, running);
    }

    /// <summary>Evaluation: the running statistics, as constants.</summary>
    public static Tensor BatchNormEvaluation(
        this Tensor x, Tensor? weight, Tensor? bias, Tensor runningMean, Tensor runningVariance,
        float eps = 1e-5f, Activation activation = Activation.None)
    {
        NormShape shape = Check(nameof(BatchNormEvaluation), x, weight, bias, runningMean, runningVariance);
        return ChannelNorm.Normalize(
            nameof(BatchNormEvaluation), shape, x, runningMean, runningVariance, weight, bias, eps, activation);
    }

    static NormShape Check(
        string op, Tensor x, Tensor? weight, Tensor? bias, Tensor? runningMean, Tensor? runningVariance)
    {
        Session.Common(op, x, weight, bias, runningMean, runningVariance);
        ChannelNorm.Check(op, x, weight, bias);
        if (runningMean is not null) Expect.Shape(op, nameof(runningMean), runningMean, x.Size(^1));
        if (runningVariance is not null) Expect.Shape(op, nameof(runningVariance), runningVariance, x.Size(^1));
        return NormShape.PerChannel(x.Size(0), ChannelNorm.Spatial(x), x.Size(^1));
    }
}
