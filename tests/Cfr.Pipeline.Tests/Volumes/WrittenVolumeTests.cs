using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

public class WrittenVolumeTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    static readonly Affine Oblique =
        VolumeFile.ReadHeader(GoldenVolume.Get("nifti", "f4_big.nii").Path).Geometry.Affine;

    static Volume Scan(GridSize size)
    {
        var random = new Random(3);
        float[] voxels = [.. Enumerable.Range(0, (int)size.Voxels).Select(_ => random.NextSingle() * 100 - 50)];
        return new Volume(new Geometry(size, Oblique), voxels);
    }

    static LabelMap Labels(GridSize size) =>
        new(new Geometry(size, Oblique), [.. Enumerable.Range(0, (int)size.Voxels).Select(i => (byte)(i * 7))]);

    [Theory]
    [InlineData("a.nii"), InlineData("a.nii.gz"), InlineData("a.nrrd"), InlineData("a.nhdr"), InlineData("a.h5")]
    public void What_is_written_reads_back(string name)
    {
        var size = new GridSize(19, 5, 37);
        VolumeFile.Write(_folder.File(name), Scan(size));
        Volume scan = VolumeFile.Read(_folder.File(name));
        Assert.Equal(Scan(size).Voxels, scan.Voxels);
        VolumeFile.Write(_folder.File(name), Labels(size));
        LabelMap labels = VolumeFile.ReadLabels(_folder.File(name));
        Assert.Equal(Labels(size).Voxels, labels.Voxels);
        bool keepsSpace = name != "a.h5";
        Assert.Equal(keepsSpace ? new Geometry(size, Oblique) : Geometry.Unit(size), scan.Geometry);
        Assert.Equal(scan.Geometry, labels.Geometry);
    }

    [Theory]
    [InlineData("a.nii"), InlineData("a.nii.gz"), InlineData("a.nrrd"), InlineData("a.nhdr"), InlineData("a.h5")]
    public void The_same_volume_is_the_same_bytes(string name)
    {
        Volume scan = Scan(new GridSize(19, 5, 37));
        VolumeFile.Write(_folder.File(name), scan);
        byte[][] first = Contents();
        VolumeFile.Write(_folder.File(name), scan);
        Assert.Equal(first, Contents());

        byte[][] Contents() => [.. _folder.FileNames.Select(file => File.ReadAllBytes(_folder.File(file)))];
    }

    [Fact]
    public void A_case_of_image_and_label_is_one_hdf5_file()
    {
        var size = new GridSize(19, 5, 37);
        VolumeFile.WriteCase(_folder.File("a.h5"), Scan(size), Labels(size));
        Assert.Equal(Scan(size).Voxels, VolumeFile.Read(_folder.File("a.h5")).Voxels);
        Assert.Equal(Labels(size).Voxels, VolumeFile.ReadLabels(_folder.File("a.h5")).Voxels);
        Assert.Throws<ArgumentException>(
            () => VolumeFile.WriteCase(_folder.File("b.h5"), Scan(size), Labels(new GridSize(19, 5, 36))));
        Assert.Equal(["a.h5"], _folder.FileNames);
    }

    [Fact]
    public void Class_maps_are_a_fourth_dimension()
    {
        var size = new GridSize(3, 20, 18);
        float[] maps = [.. Enumerable.Range(0, (int)size.Voxels * 4).Select(i => (float)i)];
        VolumeFile.WriteMaps(_folder.File("p.nii.gz"), new Geometry(size, Oblique), maps, 4);
        Assert.Equal(4, VolumeFile.ReadHeader(_folder.File("p.nii.gz")).Volumes);
        for (int map = 0; map < 4; map++)
        {
            Volume one = VolumeFile.Read(_folder.File("p.nii.gz"), map);
            Assert.Equal(maps.Where((_, i) => i % 4 == map), one.Voxels);
            Assert.Equal(Oblique, one.Geometry.Affine);
        }
    }

    [Fact]
    public void An_axis_beyond_the_reach_of_nifti_1_makes_a_nifti_2_file()
    {
        var size = new GridSize(1, 40_000, 1);
        VolumeFile.Write(_folder.File("a.nii"), Scan(size));
        Assert.Equal("NIfTI-2", VolumeFile.ReadHeader(_folder.File("a.nii")).Format);
        Assert.Equal(Scan(size).Voxels, VolumeFile.Read(_folder.File("a.nii")).Voxels);
    }

    [Fact]
    public void A_name_without_a_known_ending_is_refused_before_anything_is_written()
    {
        Assert.Contains(".nii.gz", Assert.Throws<ArgumentException>(
            () => VolumeFile.Write(_folder.File("a.png"), Scan(new GridSize(1, 1, 1)))).Message);
        Assert.Throws<ArgumentException>(
            () => VolumeFile.WriteMaps(_folder.File("a.nrrd"), Geometry.Unit(new(1, 1, 1)), new float[2], 2));
        Assert.Empty(_folder.FileNames);
    }

    public void Dispose() => _folder.Dispose();
}
