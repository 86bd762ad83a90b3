using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Volumes;

public class ReorientationTests
{
    public static TheoryData<string> Orders => [.. GoldenVolume.Names("orders")];

    static string PathOf(string code) => GoldenVolume.Get("nifti", $"order_{code}.nii.gz").Path;

    [Fact]
    public void There_are_48_orders_and_their_codes_parse()
    {
        Orientation[] all = [.. Orientation.All];
        Assert.Equal(48, all.Distinct().Count());
        Assert.Equal(GoldenVolume.Names("orders").Order(), all.Select(order => order.Code).Order());
        Assert.All(all, order => Assert.Equal(order, Orientation.Parse(order.Code.ToLowerInvariant())));
        Assert.Throws<ArgumentException>(() => Orientation.Parse("RLS"));
        Assert.Throws<ArgumentException>(() => Orientation.Parse("RA"));
        Assert.Throws<ArgumentException>(() => Orientation.Parse("XYZ"));
    }

    [Theory, MemberData(nameof(Orders))]
    public void Canonical_form_is_that_of_nibabel_and_leads_back(string code)
    {
        var golden = GoldenVolume.Get("orders", code);
        Volume scan = VolumeFile.Read(PathOf(code));
        LabelMap labels = VolumeFile.ReadLabels(PathOf(code));
        Assert.Equal(code, scan.Geometry.Orientation.Code);

        Volume canonical = scan.Reorient(Orientation.Ras);
        LabelMap canonicalLabels = labels.Reorient(Orientation.Ras);
        Assert.Equal("RAS", canonical.Geometry.Orientation.Code);
        Assert.Equal(golden.Size, canonical.Size);
        Assert.Equal(golden.Values(), canonical.Voxels);
        Assert.Equal(golden.Values(), canonicalLabels.Voxels.Select(value => (float)value));
        double difference = GoldenVolume.Difference(golden.Affine, canonical.Geometry.Affine);
        Assert.True(difference < 1e-12, $"affine differs by {difference}");

        Volume back = canonical.ReorientLike(scan.Geometry);
        Assert.Equal(scan.Geometry, back.Geometry);
        Assert.Equal(scan.Voxels, back.Voxels);
        Assert.Equal(labels.Voxels, canonicalLabels.ReorientLike(labels.Geometry).Voxels);
    }

    [Fact]
    public void Between_any_two_of_the_48_orders_voxels_keep_their_place()
    {
        Volume[] scans = [.. GoldenVolume.Names("orders").Select(code => VolumeFile.Read(PathOf(code)))];
        foreach (Volume from in scans)
            foreach (Volume to in scans)
            {
                Volume there = from.Reorient(to.Geometry.Orientation);
                Assert.Equal(to.Voxels, there.Voxels);
                Assert.True(GoldenVolume.Difference(to.Geometry.Affine, there.Geometry.Affine) < 1e-5);
            }
    }

    [Fact]
    public void Large_volumes_are_reordered_voxel_by_voxel()
    {
        var size = new GridSize(37, 18, 50);
        float[] voxels = [.. Enumerable.Range(0, (int)size.Voxels).Select(i => (float)i)];
        var scan = new Volume(new Geometry(size, Affine.Scaling(1, 2, 3)), voxels);
        Volume turned = scan.Reorient(Orientation.Parse("IRP"));
        Assert.Equal(new GridSize(50, 37, 18), turned.Size);
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
                for (int z = 0; z < size.Z; z++)
                    Assert.Equal(scan[x, y, z], turned[size.Z - 1 - z, x, size.Y - 1 - y]);
        Assert.Equal(scan.Voxels, turned.ReorientLike(scan.Geometry).Voxels);
    }

    [Fact]
    public void The_way_back_to_another_grid_is_refused()
    {
        Volume scan = VolumeFile.Read(PathOf("LPS"));
        var moved = new Geometry(scan.Size, scan.Geometry.Affine * Affine.Scaling(1.01, 1, 1));
        Assert.Contains("same voxels", Assert.Throws<ArgumentException>(() => scan.ReorientLike(moved)).Message);
    }

    [Fact]
    public void A_scan_stored_otherwise_than_the_training_scans_gets_a_warning()
    {
        Geometry scan = VolumeFile.Read(PathOf("LPS")).Geometry;
        Orientation lps = Orientation.Parse("LPS");
        Assert.Null(OrientationWarning.For("a.nii", scan, [Orientation.Ras, lps]));
        Assert.Null(OrientationWarning.For("a.nii", scan, []));
        Assert.Equal("a.nii: its axes point LPS, the network was trained on RAS:"
            + " expect bad results unless it is reoriented", OrientationWarning.For("a.nii", scan, [Orientation.Ras]));
        Assert.Contains("does not say", OrientationWarning.For("a.h5", Geometry.Unit(scan.Size), [Orientation.Ras]));
    }
}
