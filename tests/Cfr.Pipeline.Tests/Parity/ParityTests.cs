using Cfr.Kernels;
using Cfr.Pipeline.Parity;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Parity;

public sealed class ParityTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");

    static readonly string[] CoveredLosses = ["mt", "cfr_mt", "acmt_ent", "acmt_mu"];

    public void Dispose() => _device.Dispose();

    public static TheoryData<string> Files =>
    [
        "augment", "cfr_mt_3iters", "losses", "metrics", "ops3d", "optim", "sliding_window", "sliding_window_pad", "unet3d_dv_fs32_c3",
        "unet3d_fs32_c2", "vnet_nf2_c3", "vnet_nf4_c2", "vnet_pyramid_nf2_c2", "vnet_sdf_nf2",
    ];

    [Theory, MemberData(nameof(Files))]
    public void Reference_files_are_met(string name)
    {
        ParityReport report = ParityKinds.Check(Golden.Path($"ssl/{name}.safetensors"), _device);
        Assert.True(report.Passes, string.Join("\n", report.Checks.Take(5)));
        Assert.Equal(report.Checks.OrderByDescending(check => check.Error), report.Checks);
        string[] otherMethods = [.. report.Unused.Where(tensor => !CoveredLosses.Contains(tensor.Split('/')[0]))];
        string[] notYet = name == "losses" ? otherMethods : name == "ops3d" ? ["maxpool3d_k2s2.argmax_flat"] : [];
        Assert.Equal(notYet, report.Unused);
    }

    /// <summary>The logits and probabilities of the attention are never in memory here.</summary>
    [Theory]
    [InlineData("attention", "mid/logits", "mid/logits_no_relpos", "mid/softmax")]
    [InlineData("encoder_tiny"), InlineData("lora_qkv"), InlineData("window")]
    [InlineData("mask_decoder"), InlineData("prompt_encoder"), InlineData("two_way_transformer"), InlineData("resize")]
    [InlineData("msa_block"), InlineData("samus_block"), InlineData("sam3d_block")]
    [InlineData("optimizers"), InlineData("relpos", "qk/R_q4_k8", "qk/R_q8_k4", "qk/table")]
    [InlineData("preprocess_postprocess", "adapt/checkpoint/mask_decoder.mask_tokens.weight",
        "adapt/loaded/mask_decoder.mask_tokens.weight", "adapt/model_before/mask_decoder.mask_tokens.weight")]
    [InlineData("losses", "grad/medsam_dice_plus_bce", "grad/msa_bce_pos2", "grad/samus_0_2bce_0_8dice_pos2", "in/binary_target",
        "out/dice_per_class_samed", "out/medsam_dice_plus_bce", "out/msa_bce_pos2", "out/samus_0_2bce_0_8dice_pos2")]
    public void Reference_files_of_SAM_are_met(string name, params string[] unused)
    {
        ParityReport report = ParityKinds.Check(Golden.Path($"sam/{name}.safetensors"), _device);
        Assert.True(report.Passes, string.Join("\n", report.Checks.Take(5)));
        Assert.Equal(unused, report.Unused);
    }

    [Theory]
    [InlineData("sam_lora_tiny"), InlineData("sam_lora_off"), InlineData("adamw_5steps")]
    public void So_is_a_whole_fine_tuned_SAM(string name)
    {
        ParityReport report = ParityKinds.Check(Golden.Path($"sam/{name}.safetensors"), _device);
        Assert.True(report.Passes, string.Join("\n", report.Checks.Take(5)));
        Assert.All(report.Unused, tensor => Assert.StartsWith("mid/", tensor));
    }

    /// <summary>
    /// What the precision of factors may do to a network of random weights: to outputs, and to the gradient in the middle of all
    /// sorted by their errors. Of a single one nothing can be said, for numbers next to 0 before a ReLU change their sign. About
    /// twice what rounding the factors does on the processor, where 8 bits for 11 do about 8 times as much to outputs; to the
    /// gradients of a U-Net they do as much on a GPU.
    /// </summary>
    public static TheoryData<string, Precision, double, double> Networks =>
    [
        .. from network in ((string, double, double, double, double)[])
           [
               ("ssl/vnet_nf4_c2", 2.5e-2, 0.16, 0.25, 0.6), ("ssl/vnet_nf2_c3", 1.5e-2, 0.1, 0.25, 0.6),
               ("ssl/unet3d_fs32_c2", 6e-3, 5e-2, 5e-2, 0.4), ("sam/encoder_tiny", 2e-3, 2e-2, 3e-3, 2e-2),
               ("sam/mask_decoder", 8e-3, 0.15, 0.2, 0.4), ("sam/sam_lora_tiny", 4e-3, 4e-2, 3e-3, 6e-2),
           ]
           let file = network.Item1
           from row in ((Precision, double, double)[])
           [
               (Precision.Float32, 0, 0), (Precision.TF32, network.Item2, network.Item4),
               (Precision.BFloat16, network.Item3, network.Item5),
           ]
           select new TheoryDataRow<string, Precision, double, double>(file, row.Item1, row.Item2, row.Item3),
    ];

    /// <summary>In float32 every number is held to the tolerance that it has on the processor.</summary>
    [Theory, MemberData(nameof(Networks))]
    public void On_a_GPU_so_are_whole_networks(string file, Precision precision, double outputs, double middleGradient)
    {
        using Device gpu = TestGpu.OpenOrSkip(precision).AsForLargeWork();
        ParityReport report = ParityKinds.Check(Golden.Path($"{file}.safetensors"), gpu);
        if (precision == Precision.Float32)
        {
            Assert.True(report.Passes, string.Join("\n", report.Checks.Take(5)));
            return;
        }
        // Which class is largest is a choice, and what cancels but for rounding has no relative error.
        ParityCheck[] checks =
            [.. report.Checks.Where(check => !check.IsAbsolute && !check.Name.EndsWith("label_map")).OrderBy(check => check.Error)];
        ParityCheck worst = checks.Last(check => check.Part == ParityPart.Output);
        ParityCheck[] gradients = [.. checks.Where(check => check.Part == ParityPart.Gradient)];
        ParityCheck middle = gradients[gradients.Length / 2];
        Assert.True(worst.Error <= outputs, $"{worst.Name} is off by {worst.Error:E1}, allowed {outputs:E1}");
        Assert.True(middle.Error <= middleGradient, $"half of the gradients are off by more than {middle.Error:E1}, allowed {middleGradient:E1}");
    }

    [Fact]
    public void So_are_those_of_mosaics()
    {
        foreach (string name in (string[])["sam/concat", "ssl/concat"])
        {
            ParityReport report = ParityKinds.Check(Golden.Path($"{name}.safetensors"), _device);
            Assert.True(report.Passes, string.Join("\n", report.Checks.Take(5)));
            Assert.All(report.Unused, tensor => Assert.EndsWith("y_unsorted", tensor));
        }
    }

    [Theory]
    [InlineData("concat", "13x13x81_128/mosaic_label")]
    [InlineData("concat", "9x9x20_64/mosaic_image_at")]
    [InlineData("vnet_nf2_c3", "eval.logits")]
    [InlineData("vnet_nf2_c3", "train.grad.out_conv.bias")]
    [InlineData("vnet_nf2_c3", "after.block_six.conv.4.running_var")]
    [InlineData("vnet_nf2_c3", "train.gradsum.block_five.conv.0.weight.f64")]
    [InlineData("vnet_pyramid_nf2_c2", "eval.dp2.at")]
    [InlineData("vnet_sdf_nf2", "eval.seg")]
    [InlineData("unet3d_fs32_c2", "drop.logits")]
    [InlineData("ops3d", "groupnorm_g2_c6.dw")]
    [InlineData("losses", "basic4/ce_mean.dlogits")]
    [InlineData("losses", "cfr_mt/dlogits")]
    [InlineData("losses", "acmt_ent/entropy")]
    [InlineData("losses", "acmt_mu/consistency")]
    [InlineData("cfr_mt_3iters", "final.teacher.out_conv.bias")]
    [InlineData("cfr_mt_3iters", "iter2.student.param_sums.f64")]
    [InlineData("optim", "sgd/momentum_buffer_after")]
    [InlineData("augment", "crop/2.center")]
    [InlineData("sliding_window", "label")]
    [InlineData("sliding_window_pad", "prob_class1")]
    public void A_wrong_reference_is_found_and_stands_first(string name, string tensor)
    {
        using var folder = new TemporaryFolder();
        string path = Altered(folder, name, tensor, amount: 1);
        ParityReport report = ParityKinds.Check(path, _device);
        Assert.False(report.Passes);
        Assert.Equal(tensor, report.Checks[0].Name);
        Assert.Single(report.Checks, check => !check.Passes);
    }

    [Fact]
    public void A_wrong_score_is_found()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Golden.Path("ssl/metrics.safetensors"), folder.File("metrics.safetensors"));
        string scores = File.ReadAllText(Golden.Path("ssl/metrics.json"));
        File.WriteAllText(folder.File("metrics.json"), scores.Replace("1.135097144782738", "1.135097244782738"));
        ParityReport report = ParityKinds.Check(folder.File("metrics.safetensors"), _device);
        Assert.Contains(report.Checks, check => check is { Passes: false, Name: "02 shift_2_1_1: asd_pred_to_gt" });
        File.Delete(folder.File("metrics.json"));
        Assert.Throws<BadDataException>(() => ParityKinds.Check(folder.File("metrics.safetensors"), _device));
    }

    [Fact]
    public void Outputs_can_be_compared_alone_and_a_tolerance_replaces_the_own_one()
    {
        string path = Golden.Path("ssl/vnet_nf2_c3.safetensors");
        ParityReport outputs = ParityKinds.Check(path, _device, outputsOnly: true);
        Assert.All(outputs.Checks, check => Assert.Equal(ParityPart.Output, check.Part));
        Assert.Contains(outputs.Checks, check => check.Name == "train.loss");
        ParityReport all = ParityKinds.Check(path, _device, tolerance: 1e-12);
        Assert.False(all.Passes);
        Assert.Contains(all.Checks, check => check.Part == ParityPart.Gradient);
    }

    [Fact]
    public void Files_of_other_kinds_and_incomplete_files_are_named()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("file.safetensors");
        Refused(new() { ["kind"] = "cake" },
            "is of kind 'cake', which is not known; known kinds: augment, cfr-mt-iterations, metrics, msa-block, ops3d");
        Refused([], "its metadata has no 'kind' (it has nothing)");
        Refused(new() { ["kind"] = "vnet", ["seed"] = "1", ["n_filters"] = "two", ["n_classes"] = "2" },
            "its metadata has n_filters = 'two'; expected a whole number");
        Refused(new() { ["kind"] = "vnet", ["seed"] = "1", ["n_filters"] = "0", ["n_classes"] = "2" }, "0 filters");
        Refused(new() { ["kind"] = "vnet", ["seed"] = "1", ["n_filters"] = "2", ["n_classes"] = "2" },
            "holds nothing to compare for kind 'vnet'");

        void Refused(Dictionary<string, string> metadata, string reason)
        {
            SafetensorsFile.Write(path, [TensorToStore.Of<float>("a", [1], [1])], metadata);
            string message = Assert.Throws<BadDataException>(() => ParityKinds.Check(path, _device)).Message;
            Assert.StartsWith(path, message);
            Assert.Contains(reason, message);
        }
    }

    /// <summary>A golden file with one element of one tensor changed.</summary>
    static string Altered(TemporaryFolder folder, string name, string tensor, double amount)
    {
        string path = folder.File($"{name}.safetensors");
        using WeightFile file = WeightFile.Open(Golden.Path($"ssl/{name}.safetensors"));
        TensorToStore[] tensors = [.. file.Tensors.Values.Select(stored => stored.Name == tensor ? Change(stored) : TensorToStore.Of(stored))];
        SafetensorsFile.Write(path, tensors, file.Metadata);
        return path;

        TensorToStore Change(StoredTensor stored)
        {
            if (stored.Type == DType.UInt8)
            {
                byte[] bytes = stored.Bytes.ToArray();
                bytes[^1] = (byte)(1 - bytes[^1]);
                return TensorToStore.Of(tensor, stored.Shape, bytes);
            }
            double[] values = new double[stored.Count];
            stored.CopyTo(values.AsSpan());
            values[^1] += amount;
            return TensorToStore.Of(tensor, stored.Shape, values);
        }
    }
}
