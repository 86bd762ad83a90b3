using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>Every type, byte order, version and form against nibabel; NRRD against teem, HDF5 against h5py.</summary>
public class GoldenVolumeTests
{
    public static TheoryData<string> Nifti => [.. GoldenVolume.Names("nifti")];

    public static TheoryData<string> Nrrd => [.. GoldenVolume.Names("nrrd")];

    public static TheoryData<string> Hdf5 => [.. GoldenVolume.Names("hdf5")];

    [Theory, MemberData(nameof(Nifti))]
    public void Nifti_reads_as_in_nibabel(string name)
    {
        var golden = GoldenVolume.Get("nifti", name);
        VolumeHeader header = VolumeFile.ReadHeader(golden.Path);
        Assert.Equal(golden.Size, header.Geometry.Size);
        Assert.Equal(golden.Shape.Length > 3 ? golden.Shape[3] : 1, header.Volumes);
        // A qform is computed: the last bit may differ. An sform is as it stands.
        double difference = GoldenVolume.Difference(golden.Affine, header.Geometry.Affine);
        Assert.True(difference <= (header.FormCodes!.Value.Sform > 0 ? 0 : 1e-12), $"affine differs by {difference}");
        Assert.Equal(golden.Property("codes").GetString(), header.Geometry.Orientation.Code);
        Assert.Equal(golden.Property("qform_code").GetInt32(), header.FormCodes.Value.Qform);
        Assert.Equal(golden.Property("sform_code").GetInt32(), header.FormCodes.Value.Sform);
        Assert.Equal(golden.Property("big_endian").GetBoolean(), header.BigEndian);
        var (x, y, z) = header.Geometry.Spacing;
        Assert.Equal(golden.Numbers("zooms"), [x, y, z], (a, b) => Math.Abs(a - b) < 1e-12);

        float[][] volumes = [.. Enumerable.Range(0, header.Volumes)
            .Select(volume => VolumeFile.Read(golden.Path, volume).Voxels)];
        float[] interleaved = [.. Enumerable.Range(0, volumes[0].Length).SelectMany(i => volumes.Select(v => v[i]))];
        Assert.Equal(golden.Values(), interleaved);
    }

    [Theory, MemberData(nameof(Nrrd))]
    public void Nrrd_reads_as_teem_wrote_it(string name)
    {
        var golden = GoldenVolume.Get("nrrd", name);
        Volume volume = VolumeFile.Read(golden.Path);
        Assert.Equal(golden.Size, volume.Size);
        double difference = GoldenVolume.Difference(golden.Affine, volume.Geometry.Affine);
        Assert.True(difference < 1e-12, $"affine differs by {difference}");
        Assert.Equal(golden.Values(), volume.Voxels);
        Assert.Equal(name != "spacings.nrrd", volume.Geometry.IsOriented);
    }

    [Theory, MemberData(nameof(Hdf5))]
    public void Hdf5_reads_as_in_h5py(string name)
    {
        var golden = GoldenVolume.Get("hdf5", name);
        Volume image = VolumeFile.Read(golden.Path);
        LabelMap label = VolumeFile.ReadLabels(golden.Path);
        Assert.Equal(golden.Size, image.Size);
        Assert.Equal(golden.Values(), image.Voxels);
        Assert.Equal(golden.Values("labels"), label.Voxels.Select(value => (float)value));
        Assert.False(image.Geometry.IsOriented);
    }

    [Fact]
    public void What_disagrees_in_a_header_is_noted()
    {
        string NoteOf(string name) =>
            string.Join('\n', VolumeFile.ReadHeader(GoldenVolume.Get("nifti", name).Path).Notes);
        Assert.Contains("the sform is used", NoteOf("forms_differ.nii.gz"));
        Assert.Contains("pixdim 9 9 9 differs", NoteOf("pixdim_differs.nii.gz"));
        Assert.Contains("orientation is a guess", NoteOf("no_forms.nii.gz"));
        Assert.Equal("", NoteOf("forms_agree.nii.gz"));
        Assert.Equal("", NoteOf("qform_left_handed.nii.gz"));
    }
}
