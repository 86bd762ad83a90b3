using System.Text.Json;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>Files of scanners and of other programs, against what nibabel reads from them.</summary>
public class RealScanTests
{
    [Theory]
    [InlineData("anatomical.nii")]
    [InlineData("ct.nii.gz")]
    [InlineData("ct_seg.nii.gz")]
    [InlineData("epi4d.nii.gz")]
    [InlineData("mr_small.nii.gz")]
    [InlineData("mr_small_seg.nii.gz")]
    [InlineData("nifti2.nii.gz")]
    [InlineData("tiny.nii.gz")]
    public void Reads_as_nibabel_does(string name)
    {
        string folder = RealData.Find("nifti") ?? "";
        Assert.SkipWhen(folder == "", "CFR_DATA names no folder with nifti");
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        JsonElement expected = json.RootElement.GetProperty(name);
        VolumeHeader header = VolumeFile.ReadHeader(Path.Combine(folder, name));

        int[] shape = [.. expected.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
        Assert.Equal(new GridSize(shape[0], shape[1], shape[2]), header.Geometry.Size);
        Assert.Equal(shape.Length > 3 ? shape[3] : 1, header.Volumes);
        double[] affine = [.. expected.GetProperty("affine").EnumerateArray().Take(3)
            .SelectMany(row => row.EnumerateArray()).Select(value => value.GetDouble())];
        Assert.Equal(new Affine(affine), header.Geometry.Affine);
        Assert.Equal(expected.GetProperty("qform_code").GetInt32(), header.FormCodes!.Value.Qform);
        Assert.Equal(expected.GetProperty("sform_code").GetInt32(), header.FormCodes!.Value.Sform);
        Assert.Equal(expected.GetProperty("byteorder").GetString() == ">", header.BigEndian);

        Volume[] volumes = [.. Enumerable.Range(0, header.Volumes)
            .Select(volume => VolumeFile.Read(Path.Combine(folder, name), volume))];
        foreach (JsonElement sample in expected.GetProperty("sample").EnumerateArray())
        {
            int[] at = [.. sample[0].EnumerateArray().Select(index => index.GetInt32())];
            Assert.Equal(sample[1].GetSingle(), volumes[at.Length > 3 ? at[3] : 0][at[0], at[1], at[2]]);
        }
        double count = volumes.Sum(volume => volume.Voxels.Length);
        double mean = volumes.Sum(volume => volume.Voxels.Sum(value => (double)value)) / count;
        double variance = volumes.Sum(volume => volume.Voxels.Sum(value => (value - mean) * (value - mean))) / count;
        Assert.Equal(expected.GetProperty("mean").GetDouble(), mean, 1e-9 * Math.Abs(mean));
        Assert.Equal(expected.GetProperty("std").GetDouble(), Math.Sqrt(variance), 1e-9 * Math.Abs(mean));
        Assert.Equal(expected.GetProperty("min").GetSingle(), volumes.Min(volume => volume.Voxels.Min()));
        Assert.Equal(expected.GetProperty("max").GetSingle(), volumes.Max(volume => volume.Voxels.Max()));
    }
}
