using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Volumes;

public class ResamplingTests
{
    public static TheoryData<string> Spacings => [.. GoldenVolume.Names("resample")];

    static Volume Scan => VolumeFile.Read(GoldenVolume.Get("nifti", "scan.nii.gz").Path);

    static LabelMap Labels => VolumeFile.ReadLabels(GoldenVolume.Get("nifti", "labels.nii.gz").Path);

    [Theory, MemberData(nameof(Spacings))]
    public void Resampled_scans_are_those_of_nibabel(string name)
    {
        var golden = GoldenVolume.Get("resample", name);
        double[] spacing = [.. name.Split('x').Select(double.Parse)];
        Volume scan = Scan.Resample((spacing[0], spacing[1], spacing[2]));
        LabelMap labels = Labels.Resample((spacing[0], spacing[1], spacing[2]));

        Assert.Equal(golden.Size, scan.Size);
        double affine = GoldenVolume.Difference(golden.Affine, scan.Geometry.Affine);
        Assert.True(affine < 1e-12, $"affine differs by {affine}");
        double worst = golden.Values("linear").Zip(scan.Voxels, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(worst < 1e-6, $"worst difference {worst}");
        Assert.Equal(golden.Values("nearest"), labels.Voxels.Select(value => (float)value));
    }

    [Fact]
    public void The_middle_of_the_grid_stays()
    {
        Geometry from = Scan.Geometry, to = Resampling.Grid(from, (1.3, 0.4, 1.7));
        var (x0, y0, z0) = from.Affine.Apply((from.Size.X - 1) / 2.0, (from.Size.Y - 1) / 2.0, (from.Size.Z - 1) / 2.0);
        var (x1, y1, z1) = to.Affine.Apply((to.Size.X - 1) / 2.0, (to.Size.Y - 1) / 2.0, (to.Size.Z - 1) / 2.0);
        Assert.True(Math.Abs(x0 - x1) + Math.Abs(y0 - y1) + Math.Abs(z0 - z1) < 1e-12);
        Assert.Equal(1.3, to.Spacing.X, 12);
    }

    [Fact]
    public void A_linear_ramp_stays_a_ramp_in_world_coordinates()
    {
        Geometry grid = Scan.Geometry;
        var ramp = new float[grid.Size.Voxels];
        for (int i = 0; i < ramp.Length; i++)
        {
            var (x, y, z) = grid.Size.IndexOf(i);
            ramp[i] = Ramp(grid, x, y, z);
        }
        Volume fine = new Volume(grid, ramp).Resample((0.31, 0.52, 0.77));
        GridSize size = fine.Size;
        for (int x = 2; x < size.X - 2; x++)
            for (int y = 2; y < size.Y - 2; y++)
                for (int z = 3; z < size.Z - 3; z++)
                    Assert.Equal(Ramp(fine.Geometry, x, y, z), fine[x, y, z], 1e-4f);

        static float Ramp(Geometry grid, int i, int j, int k)
        {
            var (x, y, z) = grid.Affine.Apply(i, j, k);
            return (float)(0.5 * x - 0.25 * y + 0.125 * z);
        }
    }

    [Fact]
    public void Resampling_and_reordering_can_be_exchanged()
    {
        var order = Orientation.Parse("SPL");
        Volume scan = Scan;
        Volume one = scan.Resample((1, 0.9, 1.9)).Reorient(order), two = scan.Reorient(order);
        var (x, y, z) = one.Geometry.Spacing;
        two = two.Resample((x, y, z));
        Assert.Equal(one.Size, two.Size);
        Assert.True(GoldenVolume.Difference(one.Geometry.Affine, two.Geometry.Affine) < 1e-12);
        Assert.True(one.Voxels.Zip(two.Voxels, (a, b) => Math.Abs(a - b)).Max() < 1e-6);
    }

    [Fact]
    public void The_same_spacing_changes_nothing()
    {
        Volume scan = Scan;
        var (x, y, z) = scan.Geometry.Spacing;
        Volume same = scan.Resample((x, y, z));
        Assert.Equal(scan.Voxels, same.Voxels);
        Assert.Equal(scan.Size, same.Size);
        Assert.True(GoldenVolume.Difference(scan.Geometry.Affine, same.Geometry.Affine) < 1e-12);
    }

    [Fact]
    public void Labels_come_back_to_the_scans_own_grid()
    {
        LabelMap labels = Labels;
        LabelMap back = labels.Resample((0.2, 0.2, 0.6)).ResampleLike(labels.Geometry);
        Assert.Equal(labels.Geometry, back.Geometry);
        Assert.Equal(labels.Voxels, back.Voxels);
    }

    [Fact]
    public void A_missing_voxel_spreads_no_further_than_its_neighbours()
    {
        Volume scan = Scan;
        scan.Voxels[0] = float.NaN;
        var (x, y, z) = scan.Geometry.Spacing;
        Volume coarse = scan.Resample((2 * x, 2 * y, 2 * z));
        Assert.Equal(1, coarse.Voxels.Count(float.IsNaN));
    }

    [Fact]
    public void Impossible_grids_are_refused()
    {
        Volume scan = Scan;
        Assert.Throws<ArgumentException>(() => scan.Resample((0, 1, 1)));
        Assert.Throws<ArgumentException>(() => scan.Resample((1, double.NaN, 1)));
        Assert.Contains("voxels", Assert.Throws<ArgumentException>(() => scan.Resample((1e-4, 1e-4, 1e-4))).Message);
        Assert.Contains("point the same ways", Assert.Throws<ArgumentException>(
            () => scan.ResampleLike(scan.Reorient(Orientation.Parse("SPL")).Geometry)).Message);
    }
}
