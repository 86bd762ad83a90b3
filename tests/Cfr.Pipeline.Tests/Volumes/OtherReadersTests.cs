using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>What is written, read by nibabel, h5py and teem. Skipped where these are not installed.</summary>
public class OtherReadersTests : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly List<object> _manifest = [];

    [Fact]
    public void Nibabel_lays_every_prediction_on_its_scan()
    {
        RequirePython("nibabel");
        foreach (string name in GoldenVolume.Names("nifti")) Predict(GoldenVolume.Get("nifti", name).Path);
        if (RealData.Find("nifti") is { } real)
            foreach (string path in Directory.GetFiles(real, "*.nii*")) Predict(path);
        Verify();
    }

    [Fact]
    public void Nibabel_reads_scans_and_class_maps()
    {
        RequirePython("nibabel");
        string[] sources = ["f4_big.nii", "f8_big_2.nii.gz", "order_LSP.nii.gz", "sform_sheared.nii.gz"];
        foreach (string source in sources)
            foreach (string ending in (string[])["nii", "nii.gz"])
            {
                Volume scan = VolumeFile.Read(GoldenVolume.Get("nifti", source).Path);
                Keep($"{source}.{ending}", scan.Geometry, scan.Voxels, [], path => VolumeFile.Write(path, scan));
                Volume moved = scan.Reorient(Orientation.Parse("PIL")).Resample((0.5, 1.7, 2.2));
                string name = $"moved_{source}.{ending}";
                Keep(name, moved.Geometry, moved.Voxels, [], path => VolumeFile.Write(path, moved));
            }
        Geometry grid = VolumeFile.ReadHeader(GoldenVolume.Get("nifti", "order_IPR.nii.gz").Path).Geometry;
        float[] maps = [.. Enumerable.Range(0, (int)grid.Size.Voxels * 5).Select(i => MathF.Sin(i))];
        Keep("maps.nii.gz", grid, maps, [5], path => VolumeFile.WriteMaps(path, grid, maps, 5));
        Volume nrrd = VolumeFile.Read(GoldenVolume.Get("nrrd", "f4_gzip.nrrd").Path);
        Keep("from_nrrd.nii", nrrd.Geometry, nrrd.Voxels, [], path => VolumeFile.Write(path, nrrd));
        Verify();
    }

    [Fact]
    public void H5py_reads_cases()
    {
        RequirePython("h5py");
        var grid = Geometry.Unit(new GridSize(40, 90, 80));
        var scan = new Volume(grid, [.. Enumerable.Range(0, (int)grid.Size.Voxels).Select(i => MathF.Sin(i))]);
        var labels = new LabelMap(grid, [.. scan.Voxels.Select(value => (byte)(value > 0 ? 1 : 0))]);
        Keep("image.h5", grid, scan.Voxels, [], path => VolumeFile.WriteCase(path, scan, labels), "image");
        Keep("label.h5", grid, labels.Voxels, [], path => VolumeFile.WriteCase(path, scan, labels), "label");
        Verify();
    }

    [Fact]
    public void Teem_reads_nrrd()
    {
        RequirePython("subprocess; subprocess.run(['teem-unu', '--version'], check=True)");
        Volume scan = VolumeFile.Read(GoldenVolume.Get("nifti", "order_LSP.nii.gz").Path);
        LabelMap labels = VolumeFile.ReadLabels(GoldenVolume.Get("nifti", "order_LSP.nii.gz").Path);
        Keep("a.nrrd", scan.Geometry, scan.Voxels, [], path => VolumeFile.Write(path, scan));
        Keep("b.nhdr", labels.Geometry, labels.Voxels, [], path => VolumeFile.Write(path, labels));
        Verify();
    }

    void Predict(string scanPath)
    {
        Geometry scan = VolumeFile.ReadHeader(scanPath).Geometry;
        var labels = new LabelMap(scan, [.. Enumerable.Range(0, (int)scan.Size.Voxels).Select(i => (byte)(i % 5))]);
        string name = $"prediction_{_manifest.Count}.nii.gz";
        Keep(name, scan, labels.Voxels, [], path => VolumeFile.Write(path, labels), like: scanPath);
    }

    void Keep<T>(
        string name, Geometry grid, T[] values, int[] more, Action<string> write, string set = "", string? like = null)
        where T : unmanaged
    {
        write(_folder.File(name));
        _folder.File(name + ".values", MemoryMarshal.AsBytes(values.AsSpan()));
        double[] affine = [.. Enumerable.Range(0, 12).Select(i => grid.Affine[i / 4, i % 4])];
        var entry = new Dictionary<string, object>
        {
            ["name"] = name,
            ["shape"] = (int[])[grid.Size.X, grid.Size.Y, grid.Size.Z, .. more],
            ["type"] = typeof(T) == typeof(float) ? "float32" : "uint8",
            ["affine"] = affine,
            ["set"] = set,
        };
        if (like is not null) entry["like"] = like;
        _manifest.Add(entry);
    }

    void Verify()
    {
        File.WriteAllText(_folder.File("manifest.json"), JsonSerializer.Serialize(_manifest));
        var (code, output) = Python(Golden.Path("volumes/verify.py"), _folder.FullName);
        Assert.True(code == 0, output);
    }

    static void RequirePython(string module) =>
        Assert.SkipUnless(Python("-c", $"import {module}").Code == 0, $"python3 has no {module.Split(';')[0]}");

    /// <summary>Debian's own python3, for which it packs these modules; else the one on the path.</summary>
    static (int Code, string Output) Python(params string[] arguments)
    {
        string program = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + errors.Result;
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, "");
        }
    }

    public void Dispose() => _folder.Dispose();
}
