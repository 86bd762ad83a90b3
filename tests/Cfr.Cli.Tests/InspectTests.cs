using System.Text.Json;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

public class InspectTests
{
    static string Volume(string name) => Golden.Path($"volumes/{name}");

    [Fact]
    public void Tells_a_reader_what_a_file_holds()
    {
        var (code, output, errors) = CfrProcess.Run("inspect", Volume("forms_differ.nii.gz"), Volume("f4_big.nii"));
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("4x3x5", output);
        Assert.Contains("orientation  RSP", output);
        Assert.Contains("qform 1, sform 2", output);
        Assert.Contains("big-endian", output);
        Assert.Contains("NaN          1 of 24 voxels", output);
    }

    [Fact]
    public void Tells_a_program_the_same()
    {
        var (code, output, _) = CfrProcess.Run("inspect", "--json", Volume("order_LPS.nii.gz"), Volume("chunked.h5"));
        Assert.Equal(0, code);
        JsonElement files = JsonDocument.Parse(output).RootElement;
        Assert.Equal("LPS", files[0].GetProperty("orientation").GetString());
        Assert.Equal(3, files[0].GetProperty("affine").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, files[1].GetProperty("orientation").ValueKind);
        Assert.Equal(13 * 11 * 7, files[1].GetProperty("label").GetProperty("classes").EnumerateObject()
            .Sum(count => count.Value.GetInt64()));
    }

    [Fact]
    public void A_bad_file_does_not_hide_the_others()
    {
        string[] files = ["missing.nii", Volume("expected.json"), Volume("u1_big.nii")];
        var (code, output, errors) = CfrProcess.Run(["inspect", .. files]);
        Assert.Equal(3, code);
        Assert.Contains("u1_big.nii", output);
        string[] lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("missing.nii", lines[0]);
        Assert.Contains("expected a NIfTI, NRRD or HDF5 file", lines[1]);
    }
}
