namespace Cfr.Pipeline.Datasets;

/// <summary>A scan of a data set: its name and its files, of which the label may be missing.</summary>
/// <param name="Name">As the lists have it.</param>
/// <param name="ImagePath">NIfTI, NRRD or HDF5.</param>
/// <param name="LabelPath">Null where there is none, or where it is not to be looked at.</param>
public sealed record Case(string Name, string ImagePath, string? LabelPath);

/// <summary>What is done to the intensities of a volume when it is read.</summary>
public enum Normalization
{
    /// <summary>They stay as the file has them.</summary>
    None,

    /// <summary>(x - mean) / standard deviation over the whole volume (population).</summary>
    ZScore,
}

/// <summary>
/// A data set on the disk: classes, what its files look like, and which cases are for training, validation and testing.
/// With L labelled cases, these are the first L of <see cref="Train"/>.
/// </summary>
public sealed record DataSet
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The list that it was read from.</summary>
    public required string ListPath { get; init; }

    /// <summary>Names of the classes by label value; the first is the background.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Voxel size of every scan in mm; null where scans differ, or where their files say nothing.</summary>
    public IReadOnlyList<double>? Spacing { get; init; }

    /// <summary>
    /// Where array axes point, as nibabel's axis codes (<c>RAS</c>: to the right, front, head); null where scans
    /// differ, or where their files say nothing.
    /// </summary>
    public string? Orientation { get; init; }

    /// <summary>
    /// What the files' axes are: <c>xyz</c>, or another order of these letters; volumes are brought to x, y, z (z
    /// across slices) when they are read.
    /// </summary>
    public string Axes { get; init; } = "xyz";

    /// <summary>What is done to intensities.</summary>
    public Normalization Normalization { get; init; } = Normalization.ZScore;

    /// <summary>Cases to train on; labelled ones first.</summary>
    public required IReadOnlyList<Case> Train { get; init; }

    /// <summary>Cases to choose a model by; often none.</summary>
    public IReadOnlyList<Case> Validation { get; init; } = [];

    /// <summary>Cases to test on.</summary>
    public IReadOnlyList<Case> Test { get; init; } = [];

    /// <summary>All of them, in the order of the lists.</summary>
    public IEnumerable<Case> Cases => [.. Train, .. Validation, .. Test];

    /// <summary>The first <paramref name="count"/> training cases; all of them have a label.</summary>
    /// <exception cref="ArgumentException">There are not that many training cases.</exception>
    /// <exception cref="BadDataException">One of them has no label.</exception>
    public IReadOnlyList<Case> Labelled(int count)
    {
        if (count < 0 || count > Train.Count)
            throw new ArgumentException($"{count} labelled cases of {Name}, which has {Train.Count} training cases");
        return WithLabels([.. Train.Take(count)]);
    }

    /// <summary>The training cases after the first <paramref name="labelled"/>, their labels hidden.</summary>
    public IReadOnlyList<Case> Unlabelled(int labelled) =>
        [.. Train.Skip(labelled).Select(each => each with { LabelPath = null })];

    /// <summary>The same cases, if all of them have a label.</summary>
    /// <exception cref="BadDataException">One of them has none.</exception>
    public IReadOnlyList<Case> WithLabels(IReadOnlyList<Case> cases)
    {
        if (cases.FirstOrDefault(each => each.LabelPath is null) is { } bare)
            throw new BadDataException($"{ListPath}: case {bare.Name} ({bare.ImagePath}) has no label; expected one here");
        return cases;
    }
}
