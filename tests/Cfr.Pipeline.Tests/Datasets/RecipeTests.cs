using System.Globalization;
using System.Text;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

public class RecipeTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void Left_atrium_is_normalised_over_the_scan_then_cropped_around_the_label_with_random_margins()
    {
        using var folder = new TemporaryFolder();
        GridSize size = new(200, 180, 12);
        byte[] grey = [.. Enumerable.Range(0, (int)size.Voxels).Select(i => (byte)(i * 31 % 211))], label = new byte[grey.Length];
        // x 60 .. 149 (90 voxels), y 5 .. 34 (30), z 3 .. 8.
        for (int x = 60; x < 150; x++)
            for (int y = 5; y < 35; y++)
                for (int z = 3; z < 9; z++) label[(x * size.Y + y) * size.Z + z] = 255;
        Directory.CreateDirectory(folder.File("Training Set/CASE1"));
        WriteNrrd(folder.File("Training Set/CASE1/lgemri.nrrd"), size, grey);
        WriteNrrd(folder.File("Training Set/CASE1/laendo.nrrd"), size, label);
        var recipe = new LeftAtrium();
        Case raw = Assert.Single(recipe.Find(folder.FullName));
        Assert.Equal("CASE1", raw.Name);

        double mean = grey.Average(value => (double)value), deviation = Math.Sqrt(grey.Average(value => (value - mean) * (value - mean)));
        var widths = new HashSet<(int, int)>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            var (image, cropped) = recipe.Prepare(raw, seed);
            VoxelBox inside = VoxelBox.Around<byte>(cropped.Voxels, cropped.Size)!.Value;
            Assert.Equal((90, 30, 6, 3), (inside.Size.X, inside.Size.Y, inside.Size.Z, inside.Z0));
            Assert.Equal(12, cropped.Size.Z);
            // max - min = 89: p = (112 - 89) div 2 = 11; the end is excluded, so one voxel less behind the label.
            Assert.InRange(inside.X0, 11 + 10, 11 + 19);
            Assert.InRange(cropped.Size.X - inside.X1, 11 + 10 - 1, 11 + 19 - 1);
            // In y p = (112 - 29) div 2 = 41; 5 - 10 - 41 is below 0.
            Assert.Equal(5, inside.Y0);
            Assert.InRange(cropped.Size.Y - inside.Y1, 41 + 10 - 1, 41 + 19 - 1);
            widths.Add((inside.X0, cropped.Size.X - inside.X1));

            int x0 = 60 - inside.X0;
            double worst = 0;
            for (int x = 0; x < image.Size.X; x++)
                for (int y = 0; y < image.Size.Y; y++)
                    for (int z = 0; z < image.Size.Z; z++)
                        worst = Math.Max(worst, Math.Abs(
                            (grey[((x + x0) * size.Y + y) * size.Z + z] - mean) / deviation - image[x, y, z]));
            Assert.True(worst < 1e-6, $"worst difference {worst}");
            Assert.Equal(0.625 * x0, Math.Abs(image.Geometry.Affine[0, 3]), 9);
        }
        Assert.True(widths.Count > 25, $"{widths.Count} different margins of 100");
        Assert.Equal(recipe.Prepare(raw, 7).Image.Voxels, recipe.Prepare(raw, 7).Image.Voxels);
    }

    [Fact]
    public void A_left_atrium_without_a_label_cannot_be_cropped()
    {
        using var folder = new TemporaryFolder();
        GridSize size = new(20, 20, 4);
        Directory.CreateDirectory(folder.File("CASE1"));
        WriteNrrd(folder.File("CASE1/lgemri.nrrd"), size, [.. Enumerable.Range(0, 1600).Select(i => (byte)i)]);
        WriteNrrd(folder.File("CASE1/laendo.nrrd"), size, new byte[1600]);
        var recipe = new LeftAtrium();
        Case raw = Assert.Single(recipe.Find(folder.FullName));
        Assert.Contains("laendo.nrrd: no voxel of 255", Assert.Throws<BadDataException>(() => recipe.Prepare(raw, 1)).Message);
    }

    [Fact]
    public void Published_left_atrium_cases_are_copied_with_their_voxel_size()
    {
        string folder = RealData.Find("la") ?? "";
        Assert.SkipWhen(folder == "", "CFR_DATA names no folder with la");
        var recipe = new LeftAtrium();
        IReadOnlyList<Case> found = recipe.Find(folder);
        DataSetList list = recipe.Describe([.. found.Select(each => each.Name)]);
        Assert.Equal([.. found.Select(each => each.Name)], list.Train.Concat(list.Test!).Order(StringComparer.Ordinal));
        var (image, label) = recipe.Prepare(found[0], 1);
        Assert.Equal((0.625, 0.625, 0.625), image.Geometry.Spacing);
        Assert.Equal(VolumeFile.Read(found[0].ImagePath).Voxels, image.Voxels);
        Assert.Equal(VolumeFile.ReadLabels(found[0].ImagePath).Voxels, label.Voxels);
    }

    [Fact]
    public void BraTS_is_cropped_clipped_and_normalised_over_the_brain()
    {
        using var folder = new TemporaryFolder();
        GridSize size = new(24, 22, 20);
        float[] voxels = new float[size.Voxels];
        byte[] seg = new byte[size.Voxels];
        var random = new RandomNumbers(RandomKey.For(1, "test"));
        for (int x = 4; x <= 18; x++)
            for (int y = 3; y <= 16; y++)
                for (int z = 2; z <= 17; z++)
                {
                    int i = (x * size.Y + y) * size.Z + z;
                    voxels[i] = random.Below(5) == 0 && x > 4 && x < 18 ? 0 : 1 + random.Below(4000);
                    seg[i] = (byte)(x > 12 ? 4 : y > 12 ? 2 : 0);
                }
        Directory.CreateDirectory(folder.File("HGG/P_1"));
        VolumeFile.Write(folder.File("HGG/P_1/P_1_flair.nii.gz"), new Volume(new(size, Affine.Scaling(1, 1, 1)), voxels));
        VolumeFile.Write(folder.File("HGG/P_1/P_1_seg.nii.gz"), new LabelMap(new(size, Affine.Scaling(1, 1, 1)), seg));
        var recipe = new Brats2019();
        var (image, label) = recipe.Prepare(Assert.Single(recipe.Find(folder.FullName)), 1);

        // The last plane of each axis is lost.
        Assert.Equal(new GridSize(14, 13, 15), image.Size);
        Assert.Equal((4.0, 3.0, 2.0), image.Geometry.Affine.Apply(0, 0, 0));
        double[] crop = [.. from x in Enumerable.Range(4, 14) from y in Enumerable.Range(3, 13) from z in Enumerable.Range(2, 15)
            select (double)voxels[(x * size.Y + y) * size.Z + z]];
        double top = Enumerable.Range(0, 4002).First(level => crop.Count(value => value <= level) >= 0.999 * crop.Length);
        Assert.True(top < 4000);
        double[] clipped = [.. crop.Select(value => Math.Min(value, top))], brain = [.. clipped.Where(value => value > 0)];
        double mean = brain.Average(), deviation = Math.Sqrt(brain.Average(value => (value - mean) * (value - mean)));
        double worst = clipped.Zip(image.Voxels, (a, b) => Math.Abs((a - mean) / deviation - b)).Max();
        Assert.True(worst < 1e-6, $"worst difference {worst}");
        Assert.Equal([0, 1], label.Voxels.Distinct().Order().Select(value => (int)value));
        Assert.Equal(1, label[9, 0, 0]);
        Assert.Equal(0, label[8, 9, 0]);
        Assert.Equal(1, label[8, 10, 0]);
    }

    [Fact]
    public void BTCV_is_turned_clipped_resampled_and_normalised_and_its_list_is_in_the_shuffled_order()
    {
        using var folder = new TemporaryFolder();
        using var output = new TemporaryFolder();
        Geometry geometry = new(new(16, 12, 8), new(0.75, 0, 0, -6, 0, 0.75, 0, -3, 0, 0, 4, 10));
        for (int i = 1; i <= 40; i++)
        {
            if (i is > 10 and < 21) continue;
            VolumeFile.Write(folder.File($"img{i:D4}.nii.gz"), Hounsfield(geometry, i));
            VolumeFile.Write(folder.File($"label{i:D4}.nii.gz"), Labels(geometry, i, 14));
        }
        Assert.Empty(DataSetPreparation.Of("BTCV", folder.FullName, 1).Run(output.FullName, cancel: Stop));
        DataSet set = DataSetFile.Open(output.FullName) with { Normalization = Normalization.None };
        Assert.Equal("0006 0039 0021 0005 0007 0031 0040 | 0027", string.Join(' ', set.Train.Take(7).Select(each => each.Name)) + " | " + set.Train[7].Name);
        Assert.Equal((18, 12, 14), (set.Train.Count, set.Test.Count, set.Classes.Count));
        Assert.All(DataSetCheck.Run(set, 2, cancel: Stop), found => Assert.Empty(found.Faults));

        LoadedCase loaded = set.Read(set.Train[0]);
        Assert.Equal(new GridSize(8, 6, 16), loaded.Geometry.Size);
        Assert.Equal("LPS", loaded.Geometry.Orientation.Code);
        Volume raw = Hounsfield(geometry, 6);
        float[] expected = new Volume(geometry, [.. raw.Voxels.Select(value => Math.Clamp(value, -125f, 275f))])
            .Reorient(Orientation.Parse("LPS")).Resample((1.5, 1.5, 2)).Voxels;
        double mean = expected.Average(value => (double)value), deviation = Math.Sqrt(expected.Average(value => (value - mean) * (value - mean)));
        double worst = expected.Zip(loaded.Image, (a, b) => Math.Abs((a - mean) / deviation - b)).Max();
        Assert.True(worst < 1e-5, $"worst difference {worst}");
        Assert.Equal(Labels(geometry, 6, 14).Reorient(Orientation.Parse("LPS")).Resample((1.5, 1.5, 2)).Voxels, loaded.Label);
    }

    [Fact]
    public void MACT_renumbers_eight_organs_and_splits_70_to_20_without_the_withdrawn_case()
    {
        using var folder = new TemporaryFolder();
        using var output = new TemporaryFolder();
        Geometry geometry = new(new(8, 8, 6), new(-1.5, 0, 0, 0, 0, -1.5, 0, 0, 0, 0, 2, 0));
        foreach (string name in (string[])["label_tcia_multiorgan", "label_btcv_multiorgan", "images"]) Directory.CreateDirectory(folder.File(name));
        for (int i = 1; i <= 90; i++)
        {
            bool tcia = i <= 43;
            int number = tcia ? i : i - 43;
            VolumeFile.Write(folder.File($"label_{(tcia ? "tcia" : "btcv")}_multiorgan/label{number:D4}.nii.gz"), Labels(geometry, i, 15));
            if (i == 25) continue;
            VolumeFile.Write(folder.File($"images/{(tcia ? "PANCREAS_" : "img")}{number:D4}.nii.gz"), Hounsfield(geometry, i));
        }
        // The boxes leave the first and last column of x out; the columns stand in any order.
        File.WriteAllLines(folder.File("cropping.csv"), [
            "original_id,publisher,extent_post,extent_ant,extent_right,extent_left,extent_sup,extent_inf",
            .. Enumerable.Range(1, 90).Select(i => $"{(i <= 43 ? i : i - 43)},{(i <= 43 ? "TCIA" : "Synapse")},8,0,7,1,6,0")]);
        Assert.Empty(DataSetPreparation.Of("mact", folder.FullName, 1).Run(output.FullName, cancel: Stop));
        DataSet set = DataSetFile.Open(output.FullName);
        Assert.Equal((89, 9), (set.Train.Count + set.Test.Count, set.Classes.Count));
        Assert.True((set.Train.Count, set.Test.Count) is (69, 20) or (70, 19));
        Assert.DoesNotContain("tcia_0025", set.Cases.Select(each => each.Name));
        // The split is part of the data set: another draw would be another data set.
        Assert.Equal("tcia_0034 tcia_0009 btcv_0019", string.Join(' ', set.Train.Take(3).Select(each => each.Name)));

        Case seven = set.Cases.First(each => each.Name == "tcia_0007");
        LoadedCase loaded = set.Read(seven);
        Assert.Equal(new GridSize(6, 8, 6), loaded.Geometry.Size);
        byte[] classes = [0, 1, 0, 2, 3, 4, 5, 6, 0, 0, 0, 7, 0, 0, 8];
        LabelMap released = Labels(geometry, 7, 15);
        for (int x = 0; x < 6; x++)
            for (int y = 0; y < 8; y++)
                for (int z = 0; z < 6; z++)
                    Assert.Equal(classes[released[x + 1, y, z]], loaded.Label![(x * 8 + y) * 6 + z]);
    }

    [Fact]
    public void A_box_that_leaves_the_organs_out_is_refused()
    {
        using var folder = new TemporaryFolder();
        string table = folder.File("cropping.csv");
        File.WriteAllLines(table, [
            "publisher,original_id,extent_left,extent_right,extent_ant,extent_post,extent_inf,extent_sup", "TCIA,3,0,4,0,2,0,2"]);
        var geometry = Geometry.Unit(new(8, 8, 6));
        byte[] voxels = new byte[8 * 8 * 6];
        voxels.AsSpan(200).Fill(1);
        CropTable boxes = CropTable.Read(table);
        Assert.Contains("box of case tcia_0003", Assert.Throws<BadDataException>(
            () => boxes.For(new("tcia_0003", "", null), new LabelMap(geometry, voxels))).Message);
        Assert.Contains("no row for case btcv_0003", Assert.Throws<BadDataException>(
            () => boxes.For(new("btcv_0003", "", null), new LabelMap(geometry, voxels))).Message);
        File.WriteAllLines(table, ["publisher,original_id", "TCIA,3"]);
        Assert.Contains("no column extent_left", Assert.Throws<BadDataException>(() => CropTable.Read(table)).Message);
    }

    [Fact]
    public void A_label_without_its_image_and_a_missing_case_are_named()
    {
        using var folder = new TemporaryFolder();
        using var output = new TemporaryFolder();
        Geometry geometry = Geometry.Unit(new(8, 8, 8));
        Assert.Contains("expected img00NN.nii.gz", Assert.Throws<BadDataException>(Prepare).Message);
        VolumeFile.Write(folder.File("label0001.nii.gz"), Labels(geometry, 1, 14));
        Assert.Contains("no image for case 0001", Assert.Throws<BadDataException>(Prepare).Message);
        VolumeFile.Write(folder.File("img0001.nii.gz"), Hounsfield(geometry, 1));
        Assert.Contains("29 of 30 cases", Assert.Throws<BadDataException>(Prepare).Message);
        Assert.Empty(output.FileNames);
        Assert.Contains("known are la, brats2019, btcv, mact, phantom", Assert.Throws<ArgumentException>(
            () => DataSetPreparation.Of("kits", folder.FullName, 1)).Message);

        void Prepare() => DataSetPreparation.Of("btcv", folder.FullName, 1).Run(output.FullName, cancel: Stop);
    }

    static Volume Hounsfield(Geometry geometry, int seed) => new(
        geometry, [.. Enumerable.Range(0, (int)geometry.Size.Voxels).Select(i => (float)((i * 53 + seed * 17) % 997 - 400))]);

    static LabelMap Labels(Geometry geometry, int seed, int values) => new(
        geometry, [.. Enumerable.Range(0, (int)geometry.Size.Voxels).Select(i => (byte)((i / 3 + seed) % values))]);

    /// <summary>Voxels [x, y, z] with z fastest, as the file has them with x fastest.</summary>
    static void WriteNrrd(string path, GridSize size, byte[] voxels)
    {
        string header = string.Create(CultureInfo.InvariantCulture, $"NRRD0004\ntype: unsigned char\ndimension: 3\nspace: left-posterior-superior\nsizes: {size.X} {size.Y} {size.Z}\nspace directions: (0.625,0,0) (0,0.625,0) (0,0,0.625)\nencoding: raw\nspace origin: (0,0,0)\n\n");
        byte[] file = new byte[voxels.Length];
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
                for (int z = 0; z < size.Z; z++) file[(z * size.Y + y) * size.X + x] = voxels[(x * size.Y + y) * size.Z + z];
        File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes(header), .. file]);
    }
}
