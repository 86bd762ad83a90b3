using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>relu(norm x), what stands behind every convolution: [N, D, H, W, channels] -> the same shape.</summary>
static class NormRelu
{
    /// <summary>Groups of a group norm.</summary>
    public const int Groups = 16;

    /// <summary>What it wants to know of what a convolution gives it.</summary>
    public static Measure Wants(Normalization normalization) => normalization switch
    {
        Normalization.Batch => Measure.Batch,
        Normalization.Instance => Measure.Samples,
        _ => Measure.Nothing,
    };

    /// <summary>The layer, with its weights at the path.</summary>
    public static Layer Create(Weights w, Normalization normalization, int channels) => normalization switch
    {
        Normalization.Batch => new BatchNorm(w, channels, activation: Activation.Relu),
        Normalization.Group => new GroupNorm(w, Groups, channels, activation: Activation.Relu),
        Normalization.Instance => new InstanceNorm(w, channels, activation: Activation.Relu),
        _ => new Function(w, x => x.Relu()),
    };
}
