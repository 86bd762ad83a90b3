using System.Text.Json;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr predict</c>, <c>evaluate</c> and <c>parity</c> as a user runs them.</summary>
public sealed class InferenceCommandTests : IDisposable
{
    static readonly string Model = Golden.Path("ssl/vnet_nf1_c2.pth");

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Predictions_are_written_and_can_be_evaluated()
    {
        string scans = Directory.CreateDirectory(_folder.File("scans")).FullName, labels = _folder.File("out");
        Geometry geometry = new(new(20, 18, 17), new(0.9, -0.1, 0.4, -10, 0.2, 1.1, -0.3, 20, -0.35, 0.25, -2.4, 5));
        foreach (string name in (string[])["a", "b"])
            VolumeFile.Write(Path.Combine(scans, $"{name}.nii.gz"), new Volume(geometry,
                [.. Enumerable.Range(0, (int)geometry.Size.Voxels).Select(i => (float)Math.Sin(i * 0.37 + name[0]))]));
        string[] predict = ["predict", scans, "--model", Model, "--out", labels, "--patch", "16,16,16", "--stride", "8,8,8"];
        var (code, output, errors) = CfrProcess.Run([.. predict, "--gaussian", "--mirror", "0,1", "--probabilities", "--threads", "2"]);
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal(2, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(geometry.Affine, VolumeFile.ReadLabels(Path.Combine(labels, "a.nii.gz")).Geometry.Affine, (a, b) =>
            Enumerable.Range(0, 12).All(i => Math.Abs(a[i / 4, i % 4] - b[i / 4, i % 4]) < 1e-5));
        Assert.True(File.Exists(Path.Combine(labels, "probabilities", "b.nii.gz")));

        (code, output, _) = CfrProcess.Run("evaluate", "--predictions", labels, "--labels", labels, "--csv", _folder.File("x.csv"));
        Assert.Equal(0, code);
        Assert.Contains("100.00 ± 0.00", output);
        Assert.Equal(3, File.ReadAllLines(_folder.File("x.csv")).Length);
        (code, output, _) = CfrProcess.Run("evaluate", "--predictions", labels, "--labels", labels, "--json", "--spacing");
        JsonElement report = JsonDocument.Parse(output).RootElement;
        Assert.Equal("mm", report.GetProperty("distanceUnit").GetString());
        Assert.Equal(1, report.GetProperty("summary").GetProperty("average").GetProperty("metrics").GetProperty("dice").GetProperty("mean").GetDouble());
    }

    [Theory]
    [InlineData(3, "no such file or folder", "predict", "nowhere.nii", "--model", "MODEL", "--out", "OUT")]
    [InlineData(2, "expected three sizes such as", "predict", "x.nii", "--model", "MODEL", "--out", "OUT", "--patch", "16,16")]
    [InlineData(2, "expected some of 0, 1, 2", "predict", "x.nii", "--model", "MODEL", "--out", "OUT", "--mirror", "0,3")]
    [InlineData(2, "expected multiples of 16", "predict", "SCAN", "--model", "MODEL", "--out", "OUT", "--patch", "20,16,16")]
    [InlineData(2, "the device cpu computes in fp32, not in bf16", "predict", "SCAN", "--model", "MODEL", "--out", "OUT", "--precision", "bf16")]
    [InlineData(2, "expected cpu, cuda, cuda:N or emulated", "predict", "SCAN", "--model", "MODEL", "--out", "OUT", "--device", "gpu")]
    [InlineData(3, "broken.pth", "predict", "SCAN", "--model", "BROKEN", "--out", "OUT")]
    [InlineData(2, "give either --labels or --data", "evaluate", "--predictions", "OUT")]
    [InlineData(2, "expected three sizes in mm", "evaluate", "--predictions", "OUT", "--labels", "OUT", "--spacing", "1,2,x")]
    [InlineData(3, "no such file or folder", "evaluate", "--predictions", "OUT", "--labels", "OUT")]
    [InlineData(3, "not", "parity", "nowhere.safetensors")]
    [InlineData(2, "expected 0 or more", "parity", "x", "--tolerance", "-1")]
    public void Mistakes_cost_one_line_and_the_right_exit_code(int expected, string reason, params string[] arguments)
    {
        string broken = _folder.File("broken.pth", File.ReadAllBytes(Model)[..3000]), scan = _folder.File("scan.nii");
        VolumeFile.Write(scan, new Volume(Geometry.Unit(new(2, 2, 2)), [1, 2, 3, 4, 5, 6, 7, 8]));
        string[] actual = [.. arguments.Select(word => word switch
        {
            "MODEL" => Model, "BROKEN" => broken, "SCAN" => scan, "OUT" => _folder.File("out"), _ => word,
        })];
        var (code, _, errors) = CfrProcess.Run(actual);
        Assert.Equal(expected, code);
        Assert.Contains(reason, errors);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(Directory.Exists(_folder.File("out")));
    }

    [Fact]
    public void Parity_passes_with_0_and_fails_with_1()
    {
        string file = Golden.Path("ssl/vnet_sdf_nf2.safetensors");
        var (code, output, errors) = CfrProcess.Run("parity", file, "--json");
        Assert.Equal((0, ""), (code, errors));
        Assert.True(JsonDocument.Parse(output).RootElement.GetProperty("passes").GetBoolean());
        (code, output, _) = CfrProcess.Run("parity", file, "--tolerance", "1e-7", "--outputs-only");
        Assert.Equal(1, code);
        Assert.Contains("over tolerance", output);
        string unknown = _folder.File("unknown.safetensors");
        SafetensorsFile.Write(unknown, [], new Dictionary<string, string> { ["kind"] = "nonsense" });
        (code, _, errors) = CfrProcess.Run("parity", unknown);
        Assert.Equal(3, code);
        Assert.Contains("known kinds: augment, ", errors);
    }

    [Fact]
    public void A_result_never_overwrites_its_scan()
    {
        string scan = _folder.File("a.nii.gz");
        VolumeFile.Write(scan, new Volume(Geometry.Unit(new(2, 2, 2)), [1, 2, 3, 4, 5, 6, 7, 8]));
        byte[] before = File.ReadAllBytes(scan);
        var (code, _, errors) = CfrProcess.Run("predict", scan, "--model", Model, "--out", _folder.FullName);
        Assert.Equal(2, code);
        Assert.Contains("would overwrite its scan", errors);
        Assert.Equal(before, File.ReadAllBytes(scan));
    }
}
