using System.Text.Json;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr prepare</c> and <c>cfr check</c> as a user runs them.</summary>
public class DataSetCommandTests
{
    [Fact]
    public void A_phantom_is_prepared_and_nothing_is_wrong_with_it_until_a_scan_is_damaged()
    {
        using var folder = new TemporaryFolder();
        string data = folder.File("data");
        string[] prepare = ["prepare", "phantom", "--out", data, "--cases", "3", "--size", "24x20x16", "--organs", "2"];
        var (code, output, errors) = CfrProcess.Run([.. prepare, "--json"]);
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal(2, JsonDocument.Parse(output).RootElement.GetProperty("train").GetInt32());

        (code, output, errors) = CfrProcess.Run("check", data);
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("24x20x16", output);
        Assert.Contains("nothing is wrong", output);

        File.Copy(Path.Combine(data, "images/phantom0000.nii.gz"), Path.Combine(data, "images/phantom0002.nii.gz"), overwrite: true);
        (code, output, _) = CfrProcess.Run("check", data, "--json", "--threads", "2");
        Assert.Equal(3, code);
        JsonElement found = JsonDocument.Parse(output).RootElement;
        Assert.Equal(1, found.GetProperty("faulty").GetInt32());
        Assert.Equal("the same voxels as case phantom0000", found.GetProperty("cases")[2].GetProperty("faults")[0].GetString());
        Assert.Equal([24, 20, 16], found.GetProperty("cases")[2].GetProperty("size").EnumerateArray().Select(side => side.GetInt32()));
    }

    [Theory]
    [InlineData(2, "known are la, brats2019, btcv, mact, phantom", "kits", "--in", ".")]
    [InlineData(2, "--in is missing", "la")]
    [InlineData(2, "--organs has no meaning for la", "la", "--in", ".", "--organs", "2")]
    [InlineData(2, "--size is '24x20'", "phantom", "--size", "24x20")]
    [InlineData(3, "no-such-folder: no such folder", "btcv", "--in", "no-such-folder")]
    public void What_cannot_be_prepared_is_said_in_one_line(int expected, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var (code, output, errors) = CfrProcess.Run(["prepare", .. arguments, "--out", folder.File("out")]);
        Assert.Equal((expected, ""), (code, output));
        Assert.Contains(message, Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Empty(folder.FileNames);
    }

    [Fact]
    public void A_folder_without_a_list_is_bad_data()
    {
        using var folder = new TemporaryFolder();
        var (code, _, errors) = CfrProcess.Run("check", folder.FullName);
        Assert.Equal(3, code);
        Assert.Contains("expected a dataset.json", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }
}
