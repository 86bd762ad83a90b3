using Cfr.Kernels;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests.Files;

/// <summary>Checkpoints written by PyTorch, each beside a safetensors file of what a reader must return.</summary>
public class CheckpointTests
{
    static readonly string Folder = Golden.Path("sam/ckpt");

    public static TheoryData<string> Checkpoints =>
        [.. Directory.GetFiles(Folder, "*.pth").Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => !name.StartsWith("REFUSE")).Order()];

    [Fact]
    public void All_checkpoints_are_here() => Assert.Equal(15, Checkpoints.Count);

    [Theory, MemberData(nameof(Checkpoints))]
    public void A_checkpoint_holds_exactly_the_expected_tensors(string name)
    {
        using var got = WeightFile.Open(Path.Combine(Folder, name + ".pth"));
        using var want = WeightFile.Open(Path.Combine(Folder, name + ".expected.safetensors"));
        Assert.Equal(want.Tensors.Keys.Order(), got.Tensors.Keys.Order());
        foreach (StoredTensor tensor in want.Tensors.Values) AssertSame(tensor, got[tensor.Name]);
    }

    [Fact]
    public void Safetensors_of_all_types_hold_the_expected_values()
    {
        using var got = WeightFile.Open(Path.Combine(Folder, "st_dtypes.safetensors"));
        using var want = WeightFile.Open(Path.Combine(Folder, "st_dtypes.expected.safetensors"));
        AssertSame(want["bf16_as_f32"], got["bf16"]);
        AssertSame(want["f16_as_f32"], got["f16"]);
        AssertSame(want["f64"], got["f64"]);
        AssertSame(want["i64"], got["i64"]);
        Assert.Equal(12, got.Tensors.Count);
        Assert.Equal("pt", got.Metadata["format"]);
        Assert.Equal([0, 4], got["empty"].Shape);
        Assert.Equal([], got["scalar_f32"].Shape);
        Assert.Equal(1, got["scalar_i64"].Count);
        Assert.Equal(DType.Bool, got["bool"].Type);
    }

    [Fact]
    public void Metadata_says_which_model_key_a_LoRA_factor_belongs_to()
    {
        using var expected = WeightFile.Open(Path.Combine(Folder, "samed_lora.expected.safetensors"));
        Assert.Contains("image_encoder.blocks.0.attn.qkv.linear_a_q.weight", expected.Metadata["model_names"]);
    }

    [Fact]
    public void A_missing_tensor_is_named_in_the_message()
    {
        using var file = WeightFile.Open(Path.Combine(Folder, "zip_fp32.pth"));
        var missing = Assert.Throws<WeightFileException>(() => file["0.wait"]);
        Assert.Contains("no tensor '0.wait'; it has 9", missing.Message);
    }

    [Fact]
    public void A_closed_file_gives_no_elements()
    {
        StoredTensor tensor;
        using (var file = WeightFile.Open(Path.Combine(Folder, "zip_fp32.pth"))) tensor = file["0.weight"];
        Assert.Throws<ObjectDisposedException>(() => tensor.CopyTo(new float[tensor.Count].AsSpan()));
    }

    /// <summary>Half types are compared as binary32, everything else by its bytes.</summary>
    static void AssertSame(StoredTensor want, StoredTensor got)
    {
        Assert.Equal(want.Shape, got.Shape);
        if (got.Type == want.Type)
        {
            Assert.Equal(want.Bytes, got.Bytes);
            return;
        }
        Assert.Equal(DType.Float32, want.Type);
        Assert.True(got.Type is DType.Float16 or DType.BFloat16, $"{got.Name} is {got.Type}");
        float[] wantValues = new float[want.Count], gotValues = new float[got.Count];
        want.CopyTo(wantValues.AsSpan());
        got.CopyTo(gotValues.AsSpan());
        Assert.Equal(
            wantValues.Select(BitConverter.SingleToUInt32Bits), gotValues.Select(BitConverter.SingleToUInt32Bits));
    }
}
