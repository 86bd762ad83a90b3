using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Networks;

/// <summary>A file that SAMed itself wrote, of a small model with two blocks and rank 2.</summary>
public sealed class SamedFileTests : IDisposable
{
    static readonly string Path = Golden.Path("sam/ckpt/samed_lora.pth");

    readonly Device _device = Device.Open("cpu");
    readonly WeightFile _expected = WeightFile.Open(Golden.Path("sam/ckpt/samed_lora.expected.safetensors"));

    public void Dispose()
    {
        _expected.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void Factors_prompt_encoder_and_decoder_are_loaded_and_the_encoder_is_left()
    {
        Weights sam = Model(rank: SamedFile.Rank(Path));
        float[] projection = sam["image_encoder.blocks.0.attn.qkv.weight"].ToArray();
        SamedFile.Load(sam, Path);
        foreach (StoredTensor stored in _expected.Tensors.Values)
        {
            Weight weight = sam.All.Single(weight => weight.Name == SamLora.NameOf(stored.Name));
            float[] want = new float[stored.Count];
            stored.CopyTo(want.AsSpan());
            Assert.Equal(want, weight.AsInFile());
        }
        Assert.Equal(projection, sam["image_encoder.blocks.0.attn.qkv.weight"].ToArray());
        Assert.Equal(_expected.Tensors.Count, SamLora.Changed(sam).Count);
    }

    [Fact]
    public void A_file_that_does_not_fit_is_refused_and_leaves_the_model_as_it_was()
    {
        Weights sam = Model(rank: 1);
        (sam / "mask_decoder").Parameter("more", [1], Initialize.Constant(7));
        float[] token = sam["mask_decoder.iou_token.weight"].ToArray();
        string message = Assert.Throws<BadDataException>(() => SamedFile.Load(sam, Path)).Message;
        Assert.StartsWith($"{Path} does not fit the model: the file has no mask_decoder.more; ", message);
        Assert.Contains("image_encoder.blocks.0.attn.qkv.linear_a_q.weight is [2, 8] in the file, [1, 8] in the model", message);
        Assert.Equal(token, sam["mask_decoder.iou_token.weight"].ToArray());
    }

    [Fact]
    public void A_file_without_factors_is_named() => Assert.Contains(
        "it has no factor of a LoRA, 'w_a_000'",
        Assert.Throws<BadDataException>(() => SamedFile.Rank(Golden.Path("sam/ckpt/zip_fp32.pth"))).Message);

    /// <summary>An encoder of that size, and weights of the file's other names.</summary>
    Weights Model(int rank)
    {
        var weights = new Weights(new Session(_device));
        _ = new ImageEncoder(weights / "image_encoder", new SamConfiguration
        {
            ImageSize = 32, Width = 8, Depth = 2, Heads = 2, GlobalBlocks = [1], Window = 2, PromptWidth = 8, DecoderHeads = 2,
        });
        SamLora.Attach(weights, rank);
        foreach (StoredTensor stored in _expected.Tensors.Values.Where(stored => !stored.Name.StartsWith("w_")))
            weights.Parameter(stored.Name, [.. stored.Shape.ToArray().Select(size => (int)size)], Initialize.Constant(0));
        return weights;
    }
}
