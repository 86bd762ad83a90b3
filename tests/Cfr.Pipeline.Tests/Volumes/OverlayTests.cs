using Cfr.Pipeline.Volumes;
using Cfr.Pipeline.Volumes.Nifti;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>What is written for a scan lies on it: same grid, same affine, and the same words of the header.</summary>
public class OverlayTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Scans => [.. GoldenVolume.Names("nifti")];

    [Theory, MemberData(nameof(Scans))]
    public void A_prediction_says_of_space_what_its_scan_says(string name)
    {
        VolumeHeader scan = VolumeFile.ReadHeader(GoldenVolume.Get("nifti", name).Path);
        byte[] classes = [.. Enumerable.Range(0, (int)scan.Geometry.Size.Voxels).Select(i => (byte)(i % 3))];
        string path = _folder.File("prediction.nii.gz");
        VolumeFile.Write(path, new LabelMap(scan.Geometry, classes));

        VolumeHeader written = VolumeFile.ReadHeader(path);
        NiftiForms said = scan.Geometry.Forms!, again = written.Geometry.Forms!;
        Assert.Equal(scan.Geometry, written.Geometry);
        Assert.Equal(scan.FormCodes, written.FormCodes);
        Assert.Equal(said.Version, again.Version);
        Assert.Equal(said.Units, again.Units);
        Assert.Equal(said.Rows, again.Rows);
        Assert.Equal(said.Quaternion, again.Quaternion);
        Assert.Equal(said.Shift, again.Shift);
        Assert.Equal(said.Pixdim, again.Pixdim);
        Assert.Equal(classes, VolumeFile.ReadLabels(path).Voxels);
    }

    [Theory, MemberData(nameof(Scans))]
    public void So_does_a_prediction_that_was_made_in_another_order(string name)
    {
        Volume scan = VolumeFile.Read(GoldenVolume.Get("nifti", name).Path, 0);
        LabelMap canonical = new LabelMap(scan.Geometry, new byte[scan.Voxels.Length]).Reorient(Orientation.Ras);
        VolumeFile.Write(_folder.File("canonical.nii"), canonical);
        VolumeFile.Write(_folder.File("back.nii"), canonical.ReorientLike(scan.Geometry));
        Assert.Equal(scan.Geometry, VolumeFile.ReadHeader(_folder.File("back.nii")).Geometry);
        VolumeHeader stored = VolumeFile.ReadHeader(_folder.File("canonical.nii"));
        Assert.True(stored.Geometry.Affine.IsNear(canonical.Geometry.Affine));
        if (scan.Geometry.IsOriented) Assert.Equal("RAS", stored.Geometry.Orientation.Code);
    }

    [Fact]
    public void A_scan_without_a_nifti_header_is_overlaid_to_the_last_float()
    {
        Volume scan = VolumeFile.Read(GoldenVolume.Get("nrrd", "i2_gzip.nrrd").Path);
        VolumeFile.Write(_folder.File("a.nii"), scan);
        VolumeHeader written = VolumeFile.ReadHeader(_folder.File("a.nii"));
        Assert.True(GoldenVolume.Difference(scan.Geometry.Affine, written.Geometry.Affine) < 4e-6);
        Assert.Equal((1, 1), written.FormCodes);
        Assert.Empty(written.Notes);
    }

    [Fact]
    public void Quaternions_say_every_rotation_and_reflection()
    {
        var random = new Random(7);
        for (int i = 0; i < 2000; i++)
        {
            double[] q = [.. Enumerable.Range(0, 4).Select(_ => random.NextDouble() - 0.5)];
            if (i % 4 != 0) q[random.Next(4)] = 0;
            double norm = Math.Sqrt(q.Sum(x => x * x));
            if (norm < 1e-3) continue;
            var said = new NiftiForms
            {
                QformCode = 1,
                Pixdim = [i % 2 == 0 ? 1 : -1, 0.5 + random.NextDouble(), 1, 3],
                Quaternion = [q[1] / norm, q[2] / norm, q[3] / norm],
                Shift = [10 * random.NextDouble(), -20, 30],
            };
            Affine affine = said.Resolve(new GridSize(3, 4, 5), [], out _);
            NiftiForms again = NiftiForms.Of(affine);
            Assert.Equal(1, again.QformCode);
            Affine back = (again with { SformCode = 0 }).Resolve(new GridSize(3, 4, 5), [], out _);
            Assert.True(GoldenVolume.Difference(affine, back) < 1e-7, $"{affine} became {back}");
        }
    }

    [Fact]
    public void Micrometres_and_metres_become_millimetres()
    {
        var said = new NiftiForms
        {
            SformCode = 1,
            Pixdim = [1, 500, 500, 500],
            Units = 3,
            Rows = [500, 0, 0, 1000, 0, 500, 0, 0, 0, 0, 500, 0],
        };
        var notes = new List<string>();
        Affine affine = said.Resolve(new GridSize(2, 2, 2), notes, out _);
        Assert.Equal(new Affine(0.5, 0, 0, 1, 0, 0.5, 0, 0, 0, 0, 0.5, 0), affine);
        Assert.Equal(["lengths in micrometres: read as mm"], notes);
    }

    [Fact]
    public void A_form_that_cannot_be_is_passed_over()
    {
        var flat = new NiftiForms { SformCode = 1, QformCode = 1, Pixdim = [1, 2, 3, 4] };
        var notes = new List<string>();
        Assert.Equal(Affine.Scaling(2, 3, 4), flat.Resolve(new GridSize(2, 2, 2), notes, out bool isOriented));
        Assert.True(isOriented);
        Assert.Contains(notes, note => note.StartsWith("sform 0 0 0 0"));
    }

    public void Dispose() => _folder.Dispose();
}
