using System.Security.Cryptography;
using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Networks;

/// <summary>Files of SAM in every form in which users have them.</summary>
public sealed class SamFileTests : IDisposable
{
    static readonly SamConfiguration Small = TestSam.Small with { Depth = 3, Masks = 4 };

    readonly Device _device = Device.Open("cpu");
    readonly TemporaryFolder _folder = new();
    readonly Session _session;

    public SamFileTests() => _session = new Session(_device, seed: 3);

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_pth_with_the_314_tensors_of_ViT_B_is_recognised_and_loaded()
    {
        List<(string Name, int[] Sizes)> tensors = ViTBTensors.All();
        Assert.Equal(314, tensors.Count);
        string path = _folder.File("vit_b.pth");
        TorchZipWriter.Write(path, tensors, Values);
        Assert.Equal(SamConfiguration.ViTB.ToJson(), SamFile.Describe(path).ToJson());

        Sam sam = SamFile.Load(_session, path);
        Assert.False(sam.Weights.Training);
        Assert.Equal(93_735_472, sam.Weights.Parameters.Sum(weight => weight.Tensor.Count));
        Dictionary<string, Weight> weights = sam.Weights.All.ToDictionary(weight => weight.Name);
        for (int i = 0; i < tensors.Count; i++)
            if (tensors[i].Sizes.Aggregate(1, (a, b) => a * b) < 1_000_000)
                Assert.Equal(Values(i), weights[tensors[i].Name].AsInFile());

        var error = Assert.Throws<BadDataException>(() => SamFile.Load(_session, path, Small));
        Assert.Contains("vit_b.pth: a SAM ViT-B (width 768, 12 blocks); expected (width 24, 3 blocks)", error.Message);

        float[] Values(int tensor)
        {
            float[] values = new float[tensors[tensor].Sizes.Aggregate(1, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++) values[i] = ((uint)(i * 2654435761u) + (uint)tensor * 40503u >> 8) * 1e-9f;
            return values;
        }
    }

    [Fact]
    public void A_saved_model_comes_back_with_its_sizes()
    {
        Sam saved = Create(Small with { DecoderHeads = 4, Window = 4, Masks = 2 });
        string path = _folder.File("model.safetensors");
        SamFile.Save(saved, path, new Dictionary<string, string> { ["classes"] = "background,heart" });
        Sam loaded = SamFile.Load(_session, path);
        Assert.Equal(saved.Configuration.ToJson(), loaded.Configuration.ToJson());
        foreach (Weight weight in saved.Weights.All) Assert.Equal(weight.Tensor.ToArray(), loaded.Weights[weight.Name].ToArray());
    }

    [Fact]
    public void Without_metadata_the_sizes_follow_from_names_and_shapes()
    {
        string path = _folder.File("plain.safetensors");
        Create(Small).Weights.Save(path);
        Assert.Equal(Small.ToJson(), SamFile.Describe(path).ToJson());
    }

    [Fact]
    public void Windows_as_large_as_the_grid_are_the_same_as_none()
    {
        SamConfiguration whole = Small with { Window = 8 };
        string path = _folder.File("whole.safetensors");
        Sam saved = Create(whole);
        saved.Weights.Save(path);
        Sam loaded = SamFile.Load(_session, path);
        Assert.Equal([0, 1, 2], loaded.Configuration.GlobalBlocks);
        Tensor image = _session.Normal([1, 64, 64, 3]);
        float[] want = saved.Embed(image).ToArray(), got = loaded.Embed(image).ToArray();
        Assert.All(want.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void For_another_image_size_positions_are_resampled()
    {
        string path = _folder.File("64.safetensors");
        Sam saved = Create(Small);
        SamFile.Save(saved, path);
        Sam loaded = Create(Small with { ImageSize = 48 });
        SamLoading loading = SamFile.LoadInto(loaded, path);
        Assert.Equal(
            ["image_encoder.blocks.1.attn.rel_pos_h", "image_encoder.blocks.1.attn.rel_pos_w", "image_encoder.pos_embed"],
            loading.Resampled.Order());
        Assert.Empty(loading.Fresh);
        Tensor want = saved.Weights["image_encoder.pos_embed"].Resize([6, 6]);
        Assert.Equal(want.ToArray(), loaded.Weights["image_encoder.pos_embed"].ToArray());
        string windowed = "image_encoder.blocks.0.attn.rel_pos_h";
        Assert.Equal(saved.Weights[windowed].ToArray(), loaded.Weights[windowed].ToArray());
        Assert.Equal([1, 24, 24, 4], loaded.Forward(_session.Normal([1, 48, 48, 3])).Shape);
    }

    [Fact]
    public void Tables_of_positions_are_resampled_as_SAMed_does()
    {
        const string encoder = "image_encoder.";
        using var golden = new GoldenFile("sam/preprocess_postprocess.safetensors");
        foreach (string name in new[] { "pos_embed", "blocks.2.attn.rel_pos_h", "blocks.2.attn.rel_pos_w" })
        {
            Tensor table = golden.Tensor(_session, $"adapt/checkpoint/{encoder}{name}");
            Tensor got = SamFile.Resampled(table, golden.Shape($"adapt/loaded/{encoder}{name}"));
            golden.AssertEqual($"adapt/loaded/{encoder}{name}", got, 1e-6);
        }
    }

    [Theory, InlineData(2), InlineData(7)]
    public void For_another_number_of_masks_their_heads_keep_fresh_values(int masks)
    {
        string path = _folder.File("masks.safetensors");
        Sam saved = Create(Small);
        saved.Weights.Save(path);
        Sam before = Create(Small with { Masks = masks }), loaded = Create(Small with { Masks = masks });
        SamLoading loading = SamFile.LoadInto(loaded, path);
        Assert.Equal(1 + 6 * masks + 6, loading.Fresh.Count);
        foreach (Weight weight in loaded.Weights.All)
        {
            bool isFresh = weight.Name.Contains("mask_tokens") || weight.Name.Contains("hypernetworks") || weight.Name.Contains("iou_prediction");
            Assert.Equal(isFresh, loading.Fresh.Contains(weight.Name));
            Assert.Equal((isFresh ? before : saved).Weights[weight.Name].ToArray(), weight.Tensor.ToArray());
        }
    }

    [Fact]
    public void Names_of_the_Transformers_library_are_known()
    {
        Sam saved = Create(Small);
        string path = _folder.File("hf.safetensors");
        List<TensorToStore> tensors = [];
        foreach (Weight weight in saved.Weights.All)
            tensors.Add(TensorToStore.Of(Theirs(weight.Name), [.. weight.FileShape.Select(size => (long)size)], weight.AsInFile()));
        string matrix = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix";
        tensors.Add(TensorToStore.Of("shared_image_embedding.positional_embedding", [2, 16], saved.Weights[matrix].ToArray()));
        SafetensorsFile.Write(path, tensors);
        Sam loaded = SamFile.Load(_session, path);
        foreach (Weight weight in saved.Weights.All) Assert.Equal(weight.Tensor.ToArray(), loaded.Weights[weight.Name].ToArray());

        // The table of names read from left to right; the code reads it from right to left.
        static string Theirs(string ours)
        {
            string name = ours.Replace("pe_layer.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding")
                .Replace("point_embeddings.", "point_embed.").Replace("patch_embed.proj.", "patch_embed.projection.");
            if (ours.StartsWith("image_encoder."))
                name = name.Replace("image_encoder.", "vision_encoder.").Replace(".blocks.", ".layers.").Replace(".norm", ".layer_norm");
            if (ours.Contains("transformer.")) name = name.Replace(".norm", ".layer_norm");
            string[] neck = ["conv1", "layer_norm1", "conv2", "layer_norm2"];
            for (int i = 0; i < 4; i++) name = name.Replace($".neck.{i}.", $".neck.{neck[i]}.");
            foreach (var (i, part) in new[] { (0, "conv1"), (1, "layer_norm1"), (3, "conv2"), (4, "layer_norm2"), (6, "conv3") })
                name = name.Replace($"mask_downscaling.{i}.", $"mask_embed.{part}.");
            foreach (var (i, part) in new[] { (0, "upscale_conv1"), (1, "upscale_layer_norm"), (3, "upscale_conv2") })
                name = name.Replace($"output_upscaling.{i}.", $"{part}.");
            if (name.Contains("hypernetworks") || name.Contains("iou_prediction"))
                name = name.Replace("layers.0.", "proj_in.").Replace("layers.1.", "layers.0.").Replace("layers.2.", "proj_out.");
            return name;
        }
    }

    [Fact]
    public void A_file_that_lacks_something_leaves_the_model_as_it_was()
    {
        Sam saved = Create(Small), model = Create(Small with { PromptWidth = 64 });
        string path = _folder.File("small.safetensors");
        saved.Weights.Save(path);
        float[] before = model.Weights["image_encoder.pos_embed"].ToArray();
        string message = Assert.Throws<BadDataException>(() => SamFile.LoadInto(model, path)).Message;
        Assert.Contains("image_encoder.neck.0.weight is [32, 24, 1, 1], expected [64, 24, 1, 1]", message);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(before, model.Weights["image_encoder.pos_embed"].ToArray());
    }

    [Fact]
    public void The_published_sizes_have_names()
    {
        Assert.Equal("ViT-B (width 768, 12 blocks)", SamRecognition.Describe(SamConfiguration.ViTB));
        Assert.Equal("ViT-L (width 1024, 24 blocks)", SamRecognition.Describe(SamConfiguration.ViTL));
        Assert.Equal("ViT-H (width 1280, 32 blocks)", SamRecognition.Describe(SamConfiguration.ViTH));
    }

    [Theory]
    [InlineData("ssl/vnet_nf1_c2.pth", "are of no SAM")]
    public void Other_networks_are_refused(string file, string reason) =>
        Assert.Contains(reason, Assert.Throws<BadDataException>(() => SamFile.Load(_session, Golden.Path(file))).Message);

    [Fact]
    public void A_pickled_program_is_refused_by_the_reader() => Assert.Throws<WeightFileException>(
        () => SamFile.Load(_session, Golden.Path("sam/ckpt/REFUSE_whole_module.pth")));

    [Fact]
    public void Tables_that_contradict_each_other_are_explained()
    {
        var shapes = ViTBTensors.All().ToDictionary(tensor => tensor.Name, tensor => Shape.Of(tensor.Sizes));
        Assert.Equal(SamConfiguration.ViTB.ToJson(), SamRecognition.Recognize(shapes)!.ToJson());
        shapes["image_encoder.blocks.7.attn.rel_pos_h"] = [31, 64];
        string message = Assert.Throws<ArgumentException>(() => SamRecognition.Recognize(shapes)).Message;
        Assert.Contains("27, 31, 127 rows; expected 127 for the grid of 64 tokens", message);
        shapes.Remove("image_encoder.neck.0.weight");
        shapes["image_encoder.blocks.7.attn.rel_pos_h"] = [27, 64];
        message = Assert.Throws<ArgumentException>(() => SamRecognition.Recognize(shapes)).Message;
        Assert.Contains("'image_encoder.neck.0.weight' is missing", message);
    }

    [Fact]
    public void A_published_name_promises_a_checksum()
    {
        byte[] content = [1, 2, 3];
        string sum = Convert.ToHexStringLower(SHA256.HashData(content))[..6];
        SamFile.Verify(_folder.File($"sam_vit_b_{sum}.pth", content));
        SamFile.Verify(_folder.File("mine.pth", content));
        string message = Assert.Throws<BadDataException>(
            () => SamFile.Verify(_folder.File("sam_vit_b_01ec64.pth", content))).Message;
        Assert.Contains($"begins with {sum}, its name says 01ec64", message);
    }

    Sam Create(SamConfiguration configuration) => new(new Weights(_session, seed: 5), configuration);
}
