using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// The three blocks of a V-Net. A block's layers lie in one list under the name <c>conv</c>: convolution, norm, ReLU,
/// convolution, ..; without a norm the numbers move up.
/// </summary>
static class VNetBlocks
{
    /// <summary>Convolutions of 3x3x3 that keep the size: [N, D, H, W, in] -> [N, D, H, W, out].</summary>
    public static Layer Conv(Weights w, Normalization normalization, int stages, int inChannels, int outChannels)
    {
        int layers = normalization == Normalization.None ? 2 : 3;
        var list = new List<Layer>();
        for (int stage = 0; stage < stages; stage++)
        {
            int input = stage == 0 ? inChannels : outChannels, at = stage * layers;
            list.Add(new Conv3d(
                w / "conv" / at, input, outChannels, kernel: 3, padding: 1, measure: NormRelu.Wants(normalization)));
            list.Add(NormRelu.Create(w / "conv" / (at + 1), normalization, outChannels));
        }
        return new Sequential(w, [.. list]);
    }

    /// <summary>Half the size, twice the channels: [N, D, H, W, C] -> [N, D/2, H/2, W/2, 2C].</summary>
    public static Layer Down(Weights w, Normalization normalization, int channels) => new Sequential(w,
        new Conv3d(
            w / "conv" / 0, channels, 2 * channels, kernel: 2, stride: 2, measure: NormRelu.Wants(normalization)),
        NormRelu.Create(w / "conv" / 1, normalization, 2 * channels));

    /// <summary>Twice the size, half the channels: [N, D, H, W, C] -> [N, 2D, 2H, 2W, C/2].</summary>
    public static Layer Up(Weights w, Normalization normalization, int channels) => new Sequential(w,
        new ConvTranspose3d(
            w / "conv" / 0, channels, channels / 2, kernel: 2, stride: 2, measure: NormRelu.Wants(normalization)),
        NormRelu.Create(w / "conv" / 1, normalization, channels / 2));
}
