using System.Text;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests.Files;

/// <summary>Damaged and hostile files are refused with one line that names the file and the reason.</summary>
public class RefusedFileTests
{
    public static TheoryData<string, string> Refusals => new()
    {
        { "REFUSE_getcwd.pth", "refused global 'posix getcwd'" },
        { "REFUSE_getcwd_legacy.pth", "refused global 'posix getcwd'" },
        { "REFUSE_getcwd_protocol4.pth", "refused global 'posix getcwd'" },
        { "REFUSE_whole_module.pth", "refused global 'torch.nn.modules.container Sequential'" },
        { "REFUSE_whole_module_legacy.pth", "refused global 'torch.nn.modules" },
        { "REFUSE_tensor_exceeds_storage.pth", "leaves its storage of 10 elements" },
        { "REFUSE_stride_exceeds_storage.pth", "leaves its storage of 10 elements" },
        { "REFUSE_negative_offset.pth", "leaves its storage of 10 elements" },
        { "REFUSE_missing_storage.pth", "the zip has no member 'zip_fp32/data/0'" },
        { "REFUSE_truncated_zip.pth", "the zip has no end of directory: the file is truncated" },
        { "REFUSE_truncated_legacy.pth", "bytes are left, expected" },
        { "REFUSE_not_a_checkpoint.pth", "begins with 3C21444F43545950, expected safetensors, a PyTorch checkpoint" },
        { "REFUSE_st_bad_json.safetensors", "not valid JSON" },
        { "REFUSE_st_header_too_long.safetensors", "bytes, expected at most 78" },
        { "REFUSE_st_hole.safetensors", "tensor 'b': the data begins at 8, expected 4: there is a hole before it" },
        { "REFUSE_st_overlap.safetensors", "tensor 'b': the data begins at 8, expected 12: tensors overlap" },
        { "REFUSE_st_past_end.safetensors", "found data_offsets [0, 32], expected a range of the 16 data bytes" },
        { "REFUSE_st_shape_mismatch.safetensors", "tensor 'a': found 16 data bytes, expected 20 for F32 [5]" },
        { "REFUSE_st_shape_overflow.safetensors", "shape [4294967296, 4294967296, 4] is not possible" },
        { "REFUSE_st_trailing_bytes.safetensors", "the tensors end at data byte 12, expected 16" },
        { "REFUSE_st_unknown_dtype.safetensors", "tensor 'a': found dtype 'F33', expected one of F64, F32" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void A_bad_file_is_refused_and_the_reason_is_said(string name, string reason) =>
        Assert.Contains(reason, TemporaryFolder.RefusalOf(Golden.Path("sam/ckpt/" + name)));

    [Fact]
    public void Every_bad_file_has_a_case()
    {
        string[] files = Directory.GetFiles(Golden.Path("sam/ckpt"), "REFUSE*");
        IEnumerable<string> names = files.Select(path => Path.GetFileName(path));
        Assert.Equal(names.Order(), Refusals.Select(row => row.Data.Item1).Order());
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("P", "begins with 50")]
    [InlineData("PK\x3\x4", "no end of directory")]
    public void A_very_short_file_is_refused(string content, string reason)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(reason, folder.Refusal(Encoding.Latin1.GetBytes(content)));
    }

    [Fact]
    public void A_tar_file_is_named()
    {
        using var folder = new TemporaryFolder();
        var tar = new byte[1024];
        "storages"u8.CopyTo(tar);
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Assert.Contains("tar file of the first PyTorch versions", folder.Refusal(tar));
    }

    [Fact]
    public void Control_characters_of_a_name_do_not_reach_the_message()
    {
        using var folder = new TemporaryFolder();
        const string Header = """{"a\n\u001b[31m":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""";
        string refusal = folder.Refusal(SafetensorsTests.File(Header, dataBytes: 1));
        Assert.Contains("tensor 'a??[31m': found dtype 'F8_E4M3'", refusal);
    }

    [Fact]
    public void A_missing_file_is_an_ordinary_input_output_error() =>
        Assert.Throws<FileNotFoundException>(() => Cfr.Tensors.Files.WeightFile.Open(Golden.Path("sam/ckpt/none.pth")));
}
