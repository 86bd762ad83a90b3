using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>unet3d</c>: <c>nodrop.*</c> without dropout, <c>drop.*</c> with generated element masks at the bottom and
/// before the head (kept where u is below 0.7).
/// </summary>
static class UNet3dParity
{
    const double Zero = 1e-5, Kept = 0.7;

    public static void Run(ParityRun run)
    {
        var reference = new NetworkParity<UNet3d>(run, Configuration(run.File, Architecture.UNet3d), Zero);
        UNet3d network = reference.Network;
        reference.CheckTraining("nodrop", x => network.Forward(x, dropout: false));
        reference.CheckTraining("drop", Masked);
        reference.CheckEvaluation(x => [("logits", network.Forward(x))], "logits");

        Tensor Masked(Tensor x)
        {
            UNetFeatures features = network.Encode(x);
            Tensor center = features.Center * Mask("drop_center", features.Center);
            Tensor up = network.Decode(features with { Center = center });
            return network.Classify(up * Mask("drop_up1", up));
        }

        Tensor Mask(string name, Tensor of)
        {
            Shape there = [of.Size(0), of.Size(^1), .. of.Shape[1..^1]];
            float[] mask = [.. Generator.Uniform(name, run.File.Seed, there.Count).Select(u => u < Kept ? (float)(1 / Kept) : 0)];
            return ReferenceFile.Here(run.Session.Tensor(mask, there), ReferenceLayout.ChannelsLast);
        }
    }

    /// <summary>The published code divides 64 filters by <c>feature_scale</c>.</summary>
    internal static NetworkConfiguration Configuration(ReferenceFile file, Architecture architecture)
    {
        int scale = file.Integer("feature_scale");
        if (scale is < 1 or > 64) throw file.Bad($"its metadata has feature_scale = {scale}; expected 1 to 64");
        return new NetworkConfiguration(architecture, 64 / scale, file.Integer("n_classes"));
    }
}

/// <summary>Kind <c>unet3d-dv</c>: four outputs in evaluation mode.</summary>
static class DeepSupervisedUNet3dParity
{
    public static void Run(ParityRun run)
    {
        var reference = new NetworkParity<DeepSupervisedUNet3d>(
            run, UNet3dParity.Configuration(run.File, Architecture.DeepSupervisedUNet3d));
        reference.CheckEvaluation(Evaluate, "dsv1");

        (string, Tensor)[] Evaluate(Tensor x)
        {
            PyramidLogits logits = reference.Network.Pyramid(x);
            return [("dsv1", logits.Main), ("dsv2", logits.Half), ("dsv3", logits.Quarter), ("dsv4", logits.Eighth)];
        }
    }
}
