using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests.FineTuning;

/// <summary>SAMed's adaptation of the image encoder against the original program.</summary>
public sealed class SamLoraTests : IDisposable
{
    const double Output = 1e-5;

    const string Block0 = "image_encoder.blocks.0";

    readonly Device _device = Device.Open("cpu");
    readonly GoldenFile _file = new("sam/sam_lora_tiny.safetensors");

    public void Dispose()
    {
        _file.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void Adapted_blocks_give_the_original_tokens()
    {
        (ImageEncoder encoder, _) = Open();
        using var inference = encoder.Weights.Session.NoGrad();
        Weights all = encoder.Weights;
        Tensor x = encoder.Tokens(Image(encoder));
        _file.AssertEqual("mid/patch_embed", x - all["image_encoder.pos_embed"], Output);
        Tensor windows = x.LayerNorm(all[$"{Block0}.norm1.weight"], all[$"{Block0}.norm1.bias"], 1e-6f).WindowPartition(3);
        _file.AssertEqual("mid/block0.qkv", all.Linears($"{Block0}.attn.qkv").Single().Forward(windows), Output);
        for (int i = 0; i < encoder.Blocks.Count; i++)
        {
            x = encoder.Blocks[i].Forward(x);
            _file.AssertEqual($"mid/block{i}", x, Output);
        }
        _file.AssertEqual("mid/embedding", encoder.Forward(Image(encoder)), Output, GoldenLayout.ChannelsLast);
    }

    [Fact]
    public void Without_B_the_embedding_is_that_of_the_plain_encoder()
    {
        (ImageEncoder encoder, Lora lora) = Open();
        foreach (Weight weight in lora.Parameters.Where(weight => weight.Name.Contains("linear_b")))
            weight.Tensor.Set(new float[weight.Tensor.Count]);
        using var off = new GoldenFile("sam/sam_lora_off.safetensors");
        Tensor embedding = encoder.Forward(Image(encoder));
        off.AssertEqual("out/embedding_block_sum", embedding, Output, GoldenLayout.ChannelsLast);
        lora.Merge();
        Assert.Equal(embedding.ToArray(), encoder.Forward(Image(encoder)).ToArray());
    }

    [Fact]
    public void Merged_and_unmerged_encoders_agree()
    {
        (ImageEncoder encoder, Lora lora) = Open();
        float[] adapted = encoder.Forward(Image(encoder)).ToArray();
        string before = Checksum(encoder.Weights.All);
        lora.Merge();
        float[] merged = encoder.Forward(Image(encoder)).ToArray();
        Assert.InRange(adapted.Zip(merged, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * adapted.Max(Math.Abs));
        lora.Unmerge();
        Assert.Equal(before, Checksum(encoder.Weights.All));
        Assert.Equal(adapted, encoder.Forward(Image(encoder)).ToArray());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Training_changes_the_adaptation_and_nothing_else(bool checkpointing)
    {
        (ImageEncoder encoder, Lora lora) = Open();
        encoder.Checkpointing = checkpointing;
        Weight[] frozen = [.. encoder.Weights.All.Except(lora.Parameters)];
        string before = Checksum(frozen);
        string[] factors = [.. lora.Parameters.Select(weight => Checksum([weight]))];
        var optimizer = new AdamW(encoder.Weights.Parameters, 1e-3f, weightDecay: 0.1f);
        for (int i = 0; i < 3; i++)
        {
            using Scope step = encoder.Weights.Session.Step();
            encoder.Forward(Image(encoder)).Square().Mean().Backward();
            Assert.All(frozen, weight => Assert.Null(weight.Tensor.Grad));
            Assert.All(lora.Parameters, weight => Assert.NotNull(weight.Tensor.Grad));
            optimizer.Step();
            optimizer.ClearGradients();
        }
        Assert.Equal(before, Checksum(frozen));
        Assert.All(lora.Parameters.Zip(factors), pair => Assert.NotEqual(pair.Second, Checksum([pair.First])));
    }

    [Fact]
    public void Checkpointed_blocks_give_the_same_bits()
    {
        float[][] plain = Gradients(checkpointing: false), again = Gradients(checkpointing: true);
        Assert.Equal(12, plain.Length);
        foreach (var (a, b) in plain.Zip(again)) Assert.Equal(a, b);

        float[][] Gradients(bool checkpointing)
        {
            (ImageEncoder encoder, Lora lora) = Open();
            encoder.Checkpointing = checkpointing;
            encoder.Forward(Image(encoder)).Square().Mean().Backward();
            return [.. lora.Parameters.Select(weight => weight.Tensor.Grad!.ToArray())];
        }
    }

    [Fact]
    public void Rank_4_on_ViT_B_trains_147456_numbers()
    {
        var configuration = SamConfiguration.ViTB with { Depth = 2, GlobalBlocks = [1] };
        var weights = new Weights(new Session(_device));
        _ = new ImageEncoder(weights / "image_encoder", configuration);
        Lora lora = SamLora.Attach(weights);
        Assert.Equal(147_456 / 6, lora.Parameters.Sum(weight => weight.Tensor.Count));
        Assert.Equal(lora.Parameters, weights.Parameters.Where(weight => weight.Tensor.RequiresGrad));
    }

    [Fact]
    public void What_changes_is_the_adaptation_the_prompt_encoder_and_the_decoder()
    {
        var weights = new Weights(new Session(_device));
        _ = new ImageEncoder(weights / "image_encoder", SamConfiguration.ViTB with { Depth = 1, GlobalBlocks = [], Width = 48, ImageSize = 64 });
        _ = new Embedding(weights / "prompt_encoder" / "no_mask_embed", 1, 8);
        (weights / "prompt_encoder" / "pe_layer").Buffer("positional_encoding_gaussian_matrix", [2, 4], Initialize.Normal(1));
        _ = new Linear(weights / "mask_decoder" / "head", 8, 2);
        SamLora.Attach(weights, rank: 2);
        Assert.Equal(
            [
                "image_encoder.blocks.0.attn.qkv.linear_a_q.weight", "image_encoder.blocks.0.attn.qkv.linear_b_q.weight",
                "image_encoder.blocks.0.attn.qkv.linear_a_v.weight", "image_encoder.blocks.0.attn.qkv.linear_b_v.weight",
                "prompt_encoder.no_mask_embed.weight", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
                "mask_decoder.head.weight", "mask_decoder.head.bias",
            ],
            SamLora.Changed(weights).Select(weight => weight.Name));
        Assert.Equal(
            SamLora.Changed(weights).Where(weight => weight.IsParameter).Select(weight => weight.Name).Order(),
            weights.Parameters.Where(weight => weight.Tensor.RequiresGrad).Select(weight => weight.Name).Order());
    }

    [Theory]
    [InlineData("w_a_000", "image_encoder.blocks.0.attn.qkv.linear_a_q.weight")]
    [InlineData("w_b_003", "image_encoder.blocks.1.attn.qkv.linear_b_v.weight")]
    [InlineData("w_a_023", "image_encoder.blocks.11.attn.qkv.linear_a_v.weight")]
    [InlineData("image_encoder.blocks.3.attn.qkv.qkv.bias", "image_encoder.blocks.3.attn.qkv.bias")]
    [InlineData("image_encoder.blocks.3.attn.qkv.linear_a_q.weight", "image_encoder.blocks.3.attn.qkv.linear_a_q.weight")]
    [InlineData("mask_decoder.iou_token.weight", "mask_decoder.iou_token.weight")]
    public void Names_of_SAMed_are_known(string samed, string here) => Assert.Equal(here, SamLora.NameOf(samed));

    (ImageEncoder, Lora) Open()
    {
        var weights = new Weights(new Session(_device));
        var encoder = new ImageEncoder(weights / "image_encoder", Sam.SmallSam.Configuration(_file));
        Lora lora = SamLora.Attach(weights);
        Sam.SmallSam.Load(weights, _file, name => _file.Has($"w/{name}") ? name : name.Replace(".qkv.", ".qkv.qkv."));
        return (encoder, lora);
    }

    Tensor Image(ImageEncoder encoder)
    {
        Tensor gray = _file.Tensor(encoder.Weights.Session, "in/image_gray", GoldenLayout.ChannelsLast);
        return gray.Expand([.. gray.Shape[..^1], 3]);
    }

    static string Checksum(IEnumerable<Weight> weights)
    {
        var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (Weight weight in weights)
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(weight.Tensor.ToArray()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
