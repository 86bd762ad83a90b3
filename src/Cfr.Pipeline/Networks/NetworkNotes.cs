using System.Globalization;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Networks;

/// <summary>
/// What a network's file says of its training, beside the network itself: notes in the metadata. Checkpoints of other
/// programs say nothing.
/// </summary>
public sealed record NetworkNotes
{
    /// <summary>Name of the data set.</summary>
    public string? DataSet { get; init; }

    /// <summary>Names of the classes, the background first.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Size of the patches that it was trained on.</summary>
    public GridSize? Patch { get; init; }

    /// <summary>From one window to the next when it was validated.</summary>
    public GridSize? Stride { get; init; }

    /// <summary>What was done to intensities.</summary>
    public Normalization? Normalization { get; init; }

    /// <summary>Where the scans' axes pointed.</summary>
    public Orientation? Orientation { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="BadDataException">A note makes no sense.</exception>
    public static NetworkNotes Read(string path)
    {
        using WeightFile file = WeightFile.Open(path);
        IReadOnlyDictionary<string, string> notes = file.Metadata;
        return new NetworkNotes
        {
            DataSet = notes.GetValueOrDefault("dataset"),
            Classes = notes.TryGetValue("classes", out string? classes) ? classes.Split(',') : [],
            Patch = Size("patch"),
            Stride = Size("stride"),
            Normalization = notes.GetValueOrDefault("normalization") switch
            {
                null => null,
                "z-score" => Datasets.Normalization.ZScore,
                "none" => Datasets.Normalization.None,
                string other => throw Bad("normalization", other, "z-score or none"),
            },
            Orientation = notes.TryGetValue("orientation", out string? code) ? OrientationOf(code) : null,
        };

        GridSize? Size(string key) => notes.TryGetValue(key, out string? text)
            ? ParseSize(text) ?? throw Bad(key, text, "three sizes such as 112x112x80")
            : null;

        Orientation OrientationOf(string code)
        {
            try
            {
                return Volumes.Orientation.Parse(code);
            }
            catch (ArgumentException error)
            {
                throw new BadDataException($"{path}: its metadata: {error.Message}", error);
            }
        }

        BadDataException Bad(string key, string value, string expected) =>
            new($"{path}: its metadata has {key} = '{value}'; expected {expected}");
    }

    /// <summary>Sizes as <see cref="GridSize.ToString"/> writes them, or with commas; null if they are none.</summary>
    public static GridSize? ParseSize(string text)
    {
        int?[] sizes =
        [
            .. text.Split('x', ',').Select(word =>
                int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size > 0 ? size : (int?)null),
        ];
        return sizes is [int x, int y, int z] ? new GridSize(x, y, z) : null;
    }
}
