namespace Cfr.Tensors;

/// <summary>
/// Dropout (Srivastava 2014) while training, nothing otherwise. With <paramref name="channels"/> it drops whole
/// channels of a sample, as PyTorch's Dropout2d and Dropout3d.
/// </summary>
public sealed class Dropout(Weights weights, float rate, bool channels = false) : Layer(weights)
{
    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => !Training ? x : channels ? x.ChannelDropout(rate) : x.Dropout(rate);
}
