using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

/// <summary>A data set of four small scans on the disk, for tests to damage.</summary>
sealed class SmallDataSet : IDisposable
{
    public static readonly GridSize Size = new(9, 8, 7);

    public const string List = """
        {
          // Names of what is in images/ and labels/
          "name": "small",
          "classes": ["background", "liver", "spleen"],
          "spacing": [1, 1, 2],
          "orientation": "RAS",
          "train": ["a", "b"],
          "validation": ["c"],
          "test": ["d"], // one is enough
        }
        """;

    readonly TemporaryFolder _folder = new();

    public SmallDataSet(string list = List)
    {
        Directory.CreateDirectory(Path("images"));
        Directory.CreateDirectory(Path("labels"));
        foreach (var (name, i) in (((string, int)[])[("a", 0), ("b", 1), ("c", 2), ("d", 3)])) Write(name, Image(i), Label(i));
        WriteList(list);
    }

    public static Geometry Geometry => new(Size, Affine.Scaling(1, 1, 2));

    public string Folder => _folder.FullName;

    public string Path(string name) => _folder.File(name);

    public void WriteList(string list) => File.WriteAllText(Path(DataSetFile.FileName), list);

    public void Write(string name, Volume image, LabelMap? label)
    {
        VolumeFile.Write(Path($"images/{name}.nii.gz"), image);
        if (label is not null) VolumeFile.Write(Path($"labels/{name}.nii.gz"), label);
    }

    public static Volume Image(int seed, Geometry? geometry = null) => new(
        geometry ?? Geometry, [.. Enumerable.Range(0, (int)(geometry ?? Geometry).Size.Voxels).Select(i => (float)((i * 37 + seed * 11) % 101 + seed))]);

    public static LabelMap Label(int seed, Geometry? geometry = null) => new(
        geometry ?? Geometry, [.. Enumerable.Range(0, (int)(geometry ?? Geometry).Size.Voxels).Select(i => (byte)((i / 5 + seed) % 3))]);

    public void Dispose() => _folder.Dispose();
}
