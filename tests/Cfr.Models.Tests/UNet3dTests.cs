using Cfr.Pipeline.Parity;
using Cfr.Tensors;

namespace Cfr.Models.Tests;

/// <summary>3D U-Nets against PyTorch in float64.</summary>
public class UNet3dTests
{
    const double BiasesBeforeNorm = 1e-5, Kept = 0.7;

    [Fact]
    public void A_training_step_gives_the_logits_losses_and_gradients()
    {
        using GoldenNetwork<UNet3d> golden = Open();
        golden.AssertStep(
            "nodrop", golden.Network.Forward(golden.Input, dropout: false), firstClass: 1, BiasesBeforeNorm);
    }

    [Fact]
    public void Dropout_drops_elements_of_the_bottom_and_before_the_head()
    {
        using GoldenNetwork<UNet3d> golden = Open();
        UNetFeatures encoded = golden.Network.Encode(golden.Input);
        Tensor up1 = golden.Network.Decode(encoded with { Center = encoded.Center * Mask("drop_center", encoded.Center) });
        golden.AssertStep(
            "drop", golden.Network.Classify(up1 * Mask("drop_up1", up1)), firstClass: 1, BiasesBeforeNorm);

        Tensor Mask(string name, Tensor of)
        {
            int[] shape = [of.Size(0), of.Size(4), of.Size(1), of.Size(2), of.Size(3)];
            ulong seed = ulong.Parse(golden.File.Metadata["seed"]);
            float[] mask = [.. Generator.Uniform(name, seed, of.Count).Select(u => u < Kept ? (float)(1 / Kept) : 0)];
            return golden.Session.Tensor(mask, [.. shape]).Permute(0, 2, 3, 4, 1);
        }
    }

    [Fact]
    public void Deep_supervision_has_four_logits_maps_and_the_main_one_is_the_networks()
    {
        using var golden = new GoldenNetwork<DeepSupervisedUNet3d>(
            "unet3d_dv_fs32_c3", new(Architecture.DeepSupervisedUNet3d, Filters: 2, Classes: 3));
        golden.Weights.Training = false;
        PyramidLogits logits = golden.Network.Pyramid(golden.Input);
        golden.AssertSampled("eval.dsv1", logits.Main);
        golden.AssertSampled("eval.dsv2", logits.Half);
        golden.AssertSampled("eval.dsv3", logits.Quarter);
        golden.AssertSampled("eval.dsv4", logits.Eighth);
        Assert.Equal(logits.Main.ToArray(), golden.Network.Forward(golden.Input).ToArray());
    }

    static GoldenNetwork<UNet3d> Open() => new("unet3d_fs32_c2", new(Architecture.UNet3d, Filters: 2));
}
