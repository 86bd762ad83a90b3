using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>What <see cref="DataSetCheck"/> found in a case.</summary>
public sealed record CaseFindings
{
    /// <summary>As the lists have it.</summary>
    public required string Name { get; init; }

    /// <summary>train, validation or test.</summary>
    public required string Split { get; init; }

    /// <summary>Voxels along x, y, z; null if the image cannot be read.</summary>
    public IReadOnlyList<int>? Size { get; init; }

    /// <summary>Voxel size in mm.</summary>
    public IReadOnlyList<double>? Spacing { get; init; }

    /// <summary>Where the axes point; null where the file does not say.</summary>
    public string? Orientation { get; init; }

    /// <summary>Intensities: least, 1 %, half and 99 % of the voxels, greatest; before normalisation.</summary>
    public IReadOnlyList<float>? Intensities { get; init; }

    /// <summary>Voxels of each label value that occurs; null without a label.</summary>
    public IReadOnlyDictionary<int, long>? Labels { get; init; }

    /// <summary>What must be mended before the case is used.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>What is worth a look.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>
/// Reads every case of a data set and looks for what would spoil a training: files that cannot be read, spacing and
/// orientation other than expected, labels that do not fit their images, hold unknown values or nothing, voxels that are
/// no numbers, intensities far from those of the other cases, and the same scan twice.
/// </summary>
public static class DataSetCheck
{
    const double SpacingTolerance = 0.01, IntensityFactor = 10;
    const int Sampled = 200_000;

    /// <summary>Checks all cases, <paramref name="threads"/> at a time, and returns them in the order of the lists.</summary>
    /// <param name="set">What to check.</param>
    /// <param name="threads">How many cases at a time, each in memory.</param>
    /// <param name="progress">Told how many are done, from any thread.</param>
    /// <param name="cancel">Stops between cases.</param>
    public static IReadOnlyList<CaseFindings> Run(
        DataSet set, int threads, Action<int>? progress = null, CancellationToken cancel = default)
    {
        (Case Case, string Split)[] cases =
            [.. set.Train.Select(each => (each, "train")), .. set.Validation.Select(each => (each, "validation")),
                .. set.Test.Select(each => (each, "test"))];
        var looked = new Look[cases.Length];
        int done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancel };
        Parallel.For(0, cases.Length, options, i =>
        {
            looked[i] = LookAt(set, cases[i].Case, cases[i].Split);
            progress?.Invoke(Interlocked.Increment(ref done));
        });
        FindTwins(looked, look => look.ImageHash, (look, twin) => look.Faults.Add($"the same voxels as case {twin}"));
        FindTwins(looked, look => look.LabelHash, (look, twin) => look.Notes.Add($"the same label as case {twin}"));
        Compare(set, looked);
        return [.. looked.Select(look => look.Findings with { Faults = look.Faults, Notes = look.Notes })];
    }

    static Look LookAt(DataSet set, Case wanted, string split)
    {
        var look = new Look { Findings = new() { Name = wanted.Name, Split = split, Faults = [], Notes = [] } };
        Volume image;
        LabelMap? label = null;
        try
        {
            image = CaseReader.ReadImage(set, wanted);
        }
        catch (Exception fault) when (fault is BadDataException or IOException or UnauthorizedAccessException)
        {
            look.Faults.Add(fault.Message);
            return look;
        }
        look.Try(() => label = wanted.LabelPath is null ? null : CaseReader.ReadLabel(set, wanted.LabelPath));
        look.Try(() => CaseReader.CheckNumbers(wanted.ImagePath, image));
        Geometry geometry = image.Geometry;
        var (x, y, z) = geometry.Spacing;
        look.Findings = look.Findings with
        {
            Size = [image.Size.X, image.Size.Y, image.Size.Z],
            Spacing = [x, y, z],
            Orientation = geometry.IsOriented ? geometry.Orientation.Code : null,
            Intensities = Quantiles(image.Voxels),
        };
        if (look.Findings.Intensities[0] == look.Findings.Intensities[4])
            look.Faults.Add($"{wanted.ImagePath}: every voxel is {look.Findings.Intensities[0]:G6}; expected an image");
        look.ImageHash = Hash(image.Size, MemoryMarshal.AsBytes<float>(image.Voxels));
        Expect(set, look, wanted.ImagePath);
        if (label is null)
        {
            if (split != "train" && wanted.LabelPath is null) look.Notes.Add("no label");
            return look;
        }
        look.Try(() => CaseReader.CheckPlace(wanted, geometry, label.Geometry));
        look.Try(() => CaseReader.CheckClasses(set, wanted.LabelPath!, label));
        Count(set, look, wanted.LabelPath!, label);
        return look;
    }

    static void Expect(DataSet set, Look look, string path)
    {
        if (set.Spacing is { } spacing && look.Findings.Spacing!.Zip(spacing).Any(
            pair => Math.Abs(pair.First - pair.Second) > SpacingTolerance * pair.Second))
            look.Faults.Add($"{path}: voxels of {Millimetres(look.Findings.Spacing!)} mm; expected {Millimetres(spacing)}");
        if (set.Orientation is { } code && look.Findings.Orientation is { } found && found != code)
            look.Faults.Add($"{path}: axes point {found}; expected {code}");
    }

    static void Count(DataSet set, Look look, string path, LabelMap label)
    {
        long[] counts = new long[256];
        foreach (byte value in label.Voxels) counts[value]++;
        look.Findings = look.Findings with
        {
            Labels = Enumerable.Range(0, counts.Length).Where(value => counts[value] > 0).ToDictionary(value => value, value => counts[value]),
        };
        if (counts[0] == label.Voxels.LongLength)
        {
            look.Faults.Add($"{path}: all background; expected a labelled voxel");
            return;
        }
        look.LabelHash = Hash(label.Size, label.Voxels);
        string[] absent = [.. Enumerable.Range(1, set.Classes.Count - 1).Where(value => counts[value] == 0).Select(value => set.Classes[value])];
        if (absent.Length > 0) look.Notes.Add($"no {string.Join(", no ", absent)}");
    }

    /// <summary>What can only be seen beside the other cases.</summary>
    static void Compare(DataSet set, Look[] looked)
    {
        Look[] read = [.. looked.Where(look => look.Findings.Size is not null)];
        if (read.Length == 0) return;
        double usual = Median(read.Select(Width));
        foreach (Look look in read)
        {
            double width = Width(look);
            if (width > IntensityFactor * usual || width * IntensityFactor < usual)
                look.Notes.Add($"intensities spread over {width:G3} (1 % to 99 %), those of the usual case over {usual:G3}");
        }
        if (set.Orientation is not null) return;
        var orientations = read.Select(look => look.Findings.Orientation).OfType<string>().GroupBy(code => code)
            .OrderByDescending(group => group.Count()).ToArray();
        foreach (Look look in read)
            if (orientations.Length > 1 && look.Findings.Orientation is { } code && code != orientations[0].Key)
                look.Notes.Add($"axes point {code}, those of most cases {orientations[0].Key}");

        static double Width(Look look) => look.Findings.Intensities![3] - look.Findings.Intensities[1];

        static double Median(IEnumerable<double> values)
        {
            double[] sorted = [.. values.Order()];
            return sorted[sorted.Length / 2];
        }
    }

    static void FindTwins(Look[] looked, Func<Look, string?> hash, Action<Look, string> tell)
    {
        foreach (var same in looked.Where(look => hash(look) is not null).GroupBy(hash))
            foreach (Look later in same.Skip(1)) tell(later, same.First().Findings.Name);
    }

    /// <summary>Least, 1 %, half, 99 % and greatest; those in between from a regular sample.</summary>
    static float[] Quantiles(float[] voxels)
    {
        int step = Math.Max(1, voxels.Length / Sampled);
        float[] sample = [.. Enumerable.Range(0, (voxels.Length + step - 1) / step).Select(i => voxels[i * step]).Where(float.IsFinite).Order()];
        if (sample.Length == 0) return [float.NaN, float.NaN, float.NaN, float.NaN, float.NaN];
        float least = float.PositiveInfinity, greatest = float.NegativeInfinity;
        foreach (float voxel in voxels)
            if (float.IsFinite(voxel)) (least, greatest) = (MathF.Min(least, voxel), MathF.Max(greatest, voxel));
        return [least, At(0.01), At(0.5), At(0.99), greatest];

        float At(double share) => sample[(int)(share * (sample.Length - 1))];
    }

    static string Hash(GridSize size, ReadOnlySpan<byte> voxels) => $"{size} {Convert.ToHexString(SHA256.HashData(voxels))}";

    static string Millimetres(IReadOnlyList<double> spacing) => string.Join(" x ", spacing.Select(size => size.ToString("G4")));

    sealed class Look
    {
        public required CaseFindings Findings { get; set; }

        public List<string> Faults { get; } = [];

        public List<string> Notes { get; } = [];

        public string? ImageHash { get; set; }

        public string? LabelHash { get; set; }

        public void Try(Action check)
        {
            try
            {
                check();
            }
            catch (Exception fault) when (fault is BadDataException or IOException or UnauthorizedAccessException)
            {
                Faults.Add(fault.Message);
            }
        }
    }
}
