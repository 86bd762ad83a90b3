using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Batch norm over the last axis (Ioffe 2015), with an activation fused behind it: x [N, .., channels] -> y of that
/// shape. While training it normalises with the batch's mean and biased variance and moves its running statistics
/// towards the mean and the unbiased variance; otherwise it uses those.
/// </summary>
public sealed class BatchNorm : Layer
{
    readonly Tensor _weight, _bias, _runningMean, _runningVariance, _batches;
    readonly float _epsilon, _momentum;
    readonly Activation _activation;

    /// <summary>Creates weight 1, bias 0, running mean 0 and running variance 1.</summary>
    public BatchNorm(
        Weights weights, int channels, float epsilon = 1e-5f, float momentum = 0.1f,
        Activation activation = Activation.None)
        : base(weights)
    {
        _weight = weights.Parameter("weight", [channels], Initialize.Constant(1));
        _bias = weights.Parameter("bias", [channels], Initialize.Constant(0));
        _runningMean = weights.Buffer("running_mean", [channels], Initialize.Constant(0));
        _runningVariance = weights.Buffer("running_var", [channels], Initialize.Constant(1));
        _batches = weights.Counter("num_batches_tracked");
        (_epsilon, _momentum, _activation) = (epsilon, momentum, activation);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x)
    {
        if (!Training)
            return x.BatchNormEvaluation(_weight, _bias, _runningMean, _runningVariance, _epsilon, _activation);
        return x.BatchNormTraining(
            _weight, _bias, _runningMean, _runningVariance, _momentum, _epsilon, _activation, _batches);
    }
}
