using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

public class PhantomTests
{
    static readonly GridSize Size = new(48, 44, 40);

    [Fact]
    public void A_case_depends_on_the_seed_and_its_name_alone()
    {
        var (image, label) = Make(1, seed: 5, name: "phantom0003");
        var (again, labelAgain) = new Phantom(7, Size, 1, 5).Prepare(new Case("phantom0003", "", null), 5);
        Assert.Equal(image.Voxels, again.Voxels);
        Assert.Equal(label.Voxels, labelAgain.Voxels);
        Assert.NotEqual(image.Voxels, Make(1, seed: 6, name: "phantom0003").Image.Voxels);
        Assert.NotEqual(label.Voxels, Make(1, seed: 5, name: "phantom0004").Label.Voxels);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(13)]
    public void Every_organ_is_in_every_case_of_sensible_size(int organs)
    {
        for (ulong seed = 0; seed < 3; seed++)
            for (int i = 0; i < 2; i++)
            {
                byte[] voxels = Make(organs, seed, $"phantom{i:D4}").Label.Voxels;
                long[] counts = new long[256];
                foreach (byte value in voxels) counts[value]++;
                Assert.All(counts[1..(organs + 1)], count => Assert.InRange((double)count / voxels.Length, 0.0005, 0.25));
                Assert.All(counts[(organs + 1)..], count => Assert.Equal(0, count));
            }
    }

    [Fact]
    public void Organs_go_on_from_slice_to_slice()
    {
        LabelMap label = Make(1, seed: 2, name: "phantom0000").Label;
        bool[][] slices = [.. Enumerable.Range(0, Size.Z).Select(z => Slice(label, z))];
        int first = Array.FindIndex(slices, slice => slice.Any(inside => inside)), last = Array.FindLastIndex(slices, slice => slice.Any(inside => inside));
        Assert.True(last - first >= 10, $"organ in slices {first} to {last}");
        for (int z = first; z < last; z++)
        {
            int changed = slices[z].Zip(slices[z + 1], (a, b) => a != b).Count(differs => differs);
            int larger = Math.Max(slices[z].Count(inside => inside), slices[z + 1].Count(inside => inside));
            Assert.True(changed <= 0.5 * larger + 60, $"{changed} of {larger} pixels change from slice {z} to the next");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void No_band_of_brightness_finds_the_organs(int organs)
    {
        for (ulong seed = 0; seed < 5; seed++)
        {
            var (image, label) = Make(organs, seed, "phantom0001");
            double best = Enumerable.Range(1, organs).Max(organ => BestDice(image.Voxels, label.Voxels, organ));
            Assert.True(best < 0.8, $"seed {seed}: a band of brightness reaches Dice {best:F2}");
        }
    }

    [Fact]
    public void A_preparation_that_was_stopped_goes_on_and_ends_in_the_same_files()
    {
        using var whole = new TemporaryFolder();
        using var stopped = new TemporaryFolder();
        DataSetPreparation Of() => DataSetPreparation.OfPhantom(5, new(24, 20, 16), 2, seed: 9);
        Of().Run(whole.FullName, cancel: Stop);

        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Of().Run(
            stopped.FullName, (done, _, _) => { if (done == 2) cancel.Cancel(); }, cancel.Token));
        Assert.DoesNotContain("dataset.json", stopped.FileNames);
        DateTime first = File.GetLastWriteTimeUtc(stopped.File("images/phantom0000.nii.gz"));
        Assert.Empty(Of().Run(stopped.FullName, cancel: Stop));
        Assert.Equal(first, File.GetLastWriteTimeUtc(stopped.File("images/phantom0000.nii.gz")));
        Assert.Equal(Contents(whole.FullName), Contents(stopped.FullName));

        DataSet set = DataSetFile.Open(stopped.FullName);
        Assert.Equal((4, 1, 3), (set.Train.Count, set.Test.Count, set.Classes.Count));
        LoadedCase loaded = set.Read(set.Test[0]);
        Assert.Equal(new GridSize(24, 20, 16), loaded.Geometry.Size);
        Assert.Equal(3, loaded.Label!.Distinct().Count());
    }

    [Fact]
    public void A_folder_of_another_preparation_or_of_other_things_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        DataSetPreparation.OfPhantom(2, new(16, 16, 16), 1, seed: 1).Run(folder.FullName, cancel: Stop);
        string[] before = Contents(folder.FullName);
        Assert.Contains("seed 1", Assert.Throws<BadDataException>(
            () => DataSetPreparation.OfPhantom(2, new(16, 16, 16), 1, seed: 2).Run(folder.FullName, cancel: Stop)).Message);
        Assert.Equal(before, Contents(folder.FullName));

        using var other = new TemporaryFolder();
        other.File("thesis.txt", "years"u8);
        Assert.Contains("not empty", Assert.Throws<BadDataException>(
            () => DataSetPreparation.OfPhantom(2, new(16, 16, 16), 1, seed: 2).Run(other.FullName, cancel: Stop)).Message);
        Assert.Equal(["thesis.txt"], other.FileNames);
    }

    [Fact]
    public void Numbers_that_make_no_scans_are_refused()
    {
        Assert.Contains("1 cases", Assert.Throws<ArgumentException>(() => new Phantom(1, Size, 1, 0)).Message);
        Assert.Contains("8x44x40", Assert.Throws<ArgumentException>(() => new Phantom(4, Size with { X = 8 }, 1, 0)).Message);
        Assert.Contains("0 organs", Assert.Throws<ArgumentException>(() => new Phantom(4, Size, 0, 0)).Message);
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static (Volume Image, LabelMap Label) Make(int organs, ulong seed, string name) =>
        new Phantom(4, Size, organs, seed).Prepare(new Case(name, "", null), seed);

    static bool[] Slice(LabelMap label, int z) =>
        [.. from x in Enumerable.Range(0, Size.X) from y in Enumerable.Range(0, Size.Y) select label[x, y, z] != 0];

    /// <summary>The best Dice of all bands [4 a, 4 b) of brightness.</summary>
    static double BestDice(float[] image, byte[] label, int organ)
    {
        const int Bins = 100, Width = 4;
        long[] all = new long[Bins], inside = new long[Bins];
        for (int i = 0; i < image.Length; i++)
        {
            int bin = Math.Clamp((int)image[i] / Width, 0, Bins - 1);
            all[bin]++;
            if (label[i] == organ) inside[bin]++;
        }
        double best = 0;
        for (int low = 0; low < Bins; low++)
        {
            long both = 0, band = 0;
            for (int high = low; high < Bins; high++)
            {
                (both, band) = (both + inside[high], band + all[high]);
                best = Math.Max(best, 2.0 * both / (band + inside.Sum()));
            }
        }
        return best;
    }

    static string[] Contents(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order()
        .Select(path => $"{Path.GetRelativePath(folder, path)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")];
}
